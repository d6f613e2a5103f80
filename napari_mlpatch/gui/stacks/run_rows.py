"""The run over all slices: its buttons, how far it is, and what has failed."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.label import Name, Remark
from napari_mlpatch.workbench.stacks import Stacks
from napari_mlpatch.workbench.words import duration

FAILURES = 4
"""Failures that are told one by one."""


class RunRows(QWidget):
    """Nothing in it moves while something runs, but for what failed, which comes last."""

    def __init__(self, stacks: Stacks):
        super().__init__()
        self.stacks = stacks
        self.strip, self.run = QPushButton("Try five slices"), QPushButton("Run on all slices")
        self.pause, self.cancel = QPushButton("Pause"), QPushButton("Cancel")
        self.anew = QCheckBox("begin anew")
        self.strip.setToolTip("Reconstruct five slices, spread over the stack, and show them beside each other")
        self.pause.setToolTip("Stop after this step; Go on resumes it")
        self.cancel.setToolTip("End after this step; what is done stays, and Run goes on with the rest (Escape)")
        self.anew.setToolTip("Replace the output of another run that is there; else it is never touched")
        self.bar, self.status, self.failures = QProgressBar(), Name(), Remark()
        self.failures.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widgets in ((self.strip, self.run), (self.pause, self.cancel, self.anew)):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget, 1)
            layout.addLayout(row)
        for widget in (self.bar, self.status, self.failures):
            layout.addWidget(widget)
        self.pause.clicked.connect(lambda: stacks.go_on() if stacks.paused else stacks.pause())
        self.cancel.clicked.connect(stacks.cancel)
        follow(self, stacks.changed, self.draw)
        self.draw()

    def draw(self) -> None:
        """The bar, one line below it, what failed, and which buttons there are."""
        stacks, now = self.stacks, self.stacks.progress
        slices = 0 if stacks.begun is None else stacks.begun.slices
        done = now.done if now is not None else stacks.begun.done if stacks.begun is not None else 0
        if stacks.finished is not None:
            done = stacks.finished.done
        self.bar.setUpdatesEnabled(False)  # or Qt paints the whole window before setValue returns
        self.bar.setMaximum(slices or (0 if stacks.running else 1))
        self.bar.setValue(done)
        self.bar.setUpdatesEnabled(True)
        text = said(stacks)
        if text != self.status.text():
            self.status.setText(text)
        self.pause.setEnabled(stacks.running)
        self.pause.setText("Go on" if stacks.paused else "Pause")
        self.cancel.setEnabled(stacks.running)
        wrong = [one.text for one in stacks.failed]
        if len(wrong) > FAILURES:
            wrong[FAILURES:] = [f"and {len(wrong) - FAILURES} other failures"]
        if not stacks.running and stacks.finished is None and stacks.message:
            wrong = [stacks.message]
        self.failures.setText("\n".join(wrong))
        self.failures.setVisible(bool(wrong))

    def verb(self, out: str) -> str:
        """What the button of the run says: it goes on with a run into this output that has ended early."""
        finished = self.stacks.finished
        if finished is None or (finished.complete and finished.finished) or str(finished.path) != out:
            return "Run on all slices"
        if finished.complete:
            return "Make the smaller levels"
        missed = sum(len(one.slices) for one in finished.failed)
        whole = missed and missed == finished.slices - finished.done
        return f"Repeat the {missed} that failed" if whole else "Go on with the rest"


def said(stacks: Stacks) -> str:
    """ "12 of 64 slices, 4.1 slices/s, 1.2 min left"."""
    begun, now, finished = stacks.begun, stacks.progress, stacks.finished
    if finished is not None:
        return f"{finished.message}, {duration(finished.seconds)}"
    if not stacks.running:
        return "failed" if stacks.message else ""
    if begun is None:
        return stacks.preparing
    parts = [f"{begun.done if now is None else now.done} of {begun.slices} slices"]
    if now is not None and now.finishing is not None:
        return f"{parts[0]}, smaller levels {100 * now.finishing:.0f} %{', paused' if stacks.paused else ''}"
    if now is not None and now.pace is not None:
        parts.append(f"{now.pace:.3g} slices/s")
    if now is not None and now.eta is not None and not stacks.paused:
        parts.append(f"{duration(now.eta)} left")
    if now is not None and now.failed:
        parts.append(f"{now.failed} failed")
    if stacks.paused:
        parts.append("paused")
    return ", ".join(parts)

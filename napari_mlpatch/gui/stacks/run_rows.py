"""The run over all slices: its buttons, how far it is, and what has failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.label import Name, Remark
from napari_mlpatch.workbench.stacks import Stacks
from napari_mlpatch.workbench.words import duration

if TYPE_CHECKING:
    from napari_mlpatch.stacks.events import Finished

FAILURES = 4
"""Failures that are told one by one."""


class RunRows(QWidget):
    """Nothing in it moves while something runs, but for what failed, which comes last."""

    def __init__(self, stacks: Stacks):
        super().__init__()
        self.stacks = stacks
        self.named: Path | None = None
        """The output that is described."""
        self.left: Finished | None = None
        """How far its run has come, where it has begun."""
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
        stacks, now, ended = self.stacks, self.stacks.progress, self.last()
        done, slices, wrong = 0, 0, []
        if ended is not None:
            done, slices, wrong = ended.done, ended.slices, [one.text for one in ended.failed]
        elif stacks.begun is not None and stacks.finished is None:
            done, slices = stacks.begun.done if now is None else now.done, stacks.begun.slices
            wrong = [one.text for one in stacks.failed]
        self.bar.setUpdatesEnabled(False)  # or Qt paints the whole window before setValue returns
        self.bar.setMaximum(slices or (0 if stacks.running else 1))
        self.bar.setValue(done)
        self.bar.setUpdatesEnabled(True)
        text = said(stacks, ended or stacks.finished)
        its = stacks.finished or stacks.begun
        if ended is None and its is not None and (stacks.finished is not None or self.named not in (None, its.path)):
            text = f"{its.path.name}: {text}"  # not what is described
        if text != self.status.text():
            self.status.setText(text)
        self.pause.setEnabled(stacks.running)
        self.pause.setText("Go on" if stacks.paused else "Pause")
        self.cancel.setEnabled(stacks.running)
        if len(wrong) > FAILURES:
            wrong[FAILURES:] = [f"and {len(wrong) - FAILURES} other failures"]
        if not stacks.running and ended is None and stacks.finished is None and stacks.message:
            wrong = [stacks.message]
        self.failures.setText("\n".join(wrong))
        self.failures.setVisible(bool(wrong))

    def last(self) -> Finished | None:
        """How far what is described was where its run ended; None where one is going on, or could not begin."""
        stacks = self.stacks
        return None if stacks.running or (stacks.message and stacks.finished is None) else self.left

    def verb(self) -> str:
        """What the button of the run says: it goes on with a run that was ended early."""
        left = self.left
        if left is None or (left.complete and left.finished):
            return "Run on all slices"
        if left.complete:
            return "Make the smaller levels"
        missed, missing = sum(len(one.slices) for one in left.failed), left.slices - left.done
        return (
            f"Repeat the {missed} that failed" if missed == missing else f"Go on: {missing} of {left.slices} are left"
        )


def said(stacks: Stacks, finished: Finished | None) -> str:
    """ "12 of 64 slices, 4.1 slices/s, 1.2 min left"."""
    begun, now = stacks.begun, stacks.progress
    if finished is not None:
        return finished.message + (f", {duration(finished.seconds)}" if finished.seconds else "")
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

"""What runs: its buttons, how far it is, and the queue."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch.core.cost import left
from napari_mlpatch.gui.forms.boxes import CountBox
from napari_mlpatch.gui.plumbing.elided import narrow
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.label import Name
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.words import between, duration
from napari_mlpatch.workbench.workbench import Workbench

QUEUE_HEIGHT = 78
LISTED = 30
SURE_SECONDS = 1.0
"""Before, the time left is not guessed."""


class RunPanel(QWidget):
    """Run, stop and keep, cancel, continue; bar, one line, queue. Nothing in it moves while something runs."""

    run_wanted = Signal()
    all_wanted = Signal()
    kinds_wanted = Signal()

    def __init__(self, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        self.run = QPushButton("Run")
        self.kinds = QPushButton("Run one of each kind")
        self.all = QPushButton("Run all")
        self.slices = QPushButton("All slices…")
        self.stop = QPushButton("Stop and keep")
        self.cancel = QPushButton("Cancel")
        self.resume = QPushButton("Continue")
        self.more = CountBox()
        self.more.setRange(1, 10_000)
        self.more.setValue(100)
        self.more.setSuffix(" more")
        self.kinds.setToolTip(
            "Queue FBP, total variation, U-Net, an unrolled network, a deep equilibrium and plug-and-play, as far as "
            "they and trained weights fit the problem, with their default parameters, and rank them in the end"
        )
        self.all.setToolTip(
            "Queue every method that suits the operator, with its default parameters, and rank them in the end "
            "(Ctrl+Return)"
        )
        self.stop.setToolTip("End after this iteration and keep the picture")
        self.cancel.setToolTip("End after this iteration and throw the picture away (Escape)")
        self.more.setToolTip("So many iterations more than it has done")
        self.resume.setToolTip("Go on from the kept picture as if there had been no stop")
        self.slices.setToolTip("Reconstruct the whole stack as the selected result: a few slices first, then all")
        self.bar = QProgressBar()
        self.status = Name()
        self.jobs = QListWidget()
        self.jobs.setFixedHeight(QUEUE_HEIGHT)
        narrow(self.jobs)
        self.jobs.setToolTip("Runs that wait, run, or have ended; one at a time on a device")
        self._lay_out()

        self.run.clicked.connect(self.run_wanted)
        self.all.clicked.connect(self.all_wanted)
        self.kinds.clicked.connect(self.kinds_wanted)
        self.stop.clicked.connect(lambda: self.entry and self.entry.job.control.stop())
        self.cancel.clicked.connect(lambda: self.entry and self.workbench.queue.cancel(self.entry.job))
        self.slices.clicked.connect(workbench.stacks.wanted.emit)
        self.resume.clicked.connect(self._resume)
        follow(self, workbench.entry_progressed, self._progressed)
        follow(self, workbench.entries_changed, self._entries_changed)
        follow(self, workbench.selection_changed, self._tell)
        follow(self, workbench.scene_changed, self._offer_stack)
        self._offer_stack()
        self._entries_changed()

    def _lay_out(self) -> None:
        def row(*widgets: QWidget) -> QHBoxLayout:
            line = QHBoxLayout()
            line.setSpacing(4)
            for place, widget in enumerate(widgets):
                line.addWidget(widget, 0 if place else 1)
            return line

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row(self.run, self.kinds, self.all))
        layout.addLayout(row(self.stop, self.cancel))
        layout.addLayout(row(self.resume, self.more))
        layout.addWidget(self.slices)
        for widget in (self.bar, self.status, self.jobs):
            layout.addWidget(widget)

    @property
    def entry(self) -> Entry | None:
        """Of whom the progress bar, Stop and Cancel speak: the selected result, or else what runs meanwhile."""
        selected = self.workbench.selected
        if selected is not None and selected.job.active:
            return selected
        active = [e for e in self.workbench.entries if e.job.active]
        running = [e for e in active if e.job.state == "running"]
        return (running or active or [selected])[0]

    def _offer_stack(self) -> None:
        """Only where there are other slices."""
        scene = self.workbench.scene
        count = 1 if scene is None else scene.slices
        self.slices.setVisible(count > 1)
        self.slices.setText(f"All {count} slices…")

    def _resume(self) -> None:
        if self.workbench.selected is not None:
            self.workbench.resume(self.workbench.selected, self.more.value())

    def _progressed(self, entry: Entry) -> None:
        self._list_jobs()
        if entry is self.entry:
            self._tell()

    def _tell(self) -> None:
        """The bar, one short line below it, and the buttons. All else is in the tooltip."""
        entry = self.entry
        job = None if entry is None else entry.job
        self.bar.setUpdatesEnabled(False)  # or Qt paints the whole window before these return
        self.bar.setMaximum(1 if job is None else max(job.total, 1) if job.k or not job.active else 0)
        self.bar.setValue(0 if job is None else self.bar.maximum() if job.state == "done" else job.k)
        self.bar.setTextVisible(job is not None)
        self.bar.setUpdatesEnabled(True)
        text, more = said(entry)
        if text != self.status.text():
            self.status.setText(text)
        self.status.setToolTip(more)
        self._buttons()

    def _entries_changed(self) -> None:
        self._list_jobs()
        self._tell()

    def _list_jobs(self) -> None:
        """The newest jobs and their states; only what is new is written."""
        wanted = list(reversed(self.workbench.queue.jobs[-LISTED:]))
        while self.jobs.count() > len(wanted):
            self.jobs.takeItem(0)
        while self.jobs.count() < len(wanted):
            self.jobs.addItem("")
        for i, job in enumerate(wanted):
            item, text = self.jobs.item(i), f"{job.state} · {job.title}"
            if item is not None and item.text() != text:
                item.setText(text)
                item.setToolTip("\n".join(filter(None, [job.title, job.message])))

    def _buttons(self) -> None:
        entry, selected = self.entry, self.workbench.selected
        active = entry is not None and entry.job.active
        self.stop.setEnabled(active and entry.job.state == "running")  # type: ignore[union-attr]
        self.cancel.setEnabled(active)
        kept = selected is not None and not selected.job.active and selected.result is not None
        iterative = kept and "iterations" in selected.method["params"]  # type: ignore[union-attr]
        self.resume.setEnabled(bool(iterative))
        self.more.setEnabled(bool(iterative))


def said(entry: Entry | None) -> tuple[str, str]:
    """How far a job is, in one short line, and all there is to tell."""
    if entry is None:
        return "", ""
    job, result = entry.job, entry.result
    numbers = "\n".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in job.scalars.items() if k != "weight")
    if job.state == "queued":
        return "queued", entry.title
    if job.state == "running":
        span = left(list(job.history), job.total) if job.seconds > SURE_SECONDS else None
        rest = "" if span is None else f", at most {between(*span)} left"
        count = f"iteration {job.k} of {job.total}" if job.total > 1 else "running"
        return f"{count}{rest}", f"{entry.title}\n{numbers}"
    if job.state == "done" and result is not None:
        ended = "ended" if result.iterations >= job.total else "stopped"
        how = "converged" if result.converged else "not converged" if result.not_converged else ended
        where = f" at iteration {result.iterations}" if job.total > 1 else ""
        text = f"{how if where else 'done'}{where}, {duration(result.seconds)}"
        return text, "\n".join(filter(None, [entry.title, result.remark, numbers]))
    return job.state, "\n".join(filter(None, [entry.title, job.message]))

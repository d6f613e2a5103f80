"""The iterations of the selected result as an axis: look at any that was kept, keep it, go on, start from it."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QSpinBox, QVBoxLayout, QWidget

from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.gui.plumbing.low import low
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.iterations import best, keep, look_at

NUMBERS = ("psnr", "relative_residual", "objective", "change")


@plots.register("iterations", title="Iterations", key="Shift-I", order=5)
class Iterations(Plot):
    """Scrub through the iterates of the selected result; keep one, continue, or start another run from it."""

    def make(self) -> QWidget:
        self.entry: Entry | None = None
        self.ks: list[int] = []
        self.looking: int | None = None
        """The iteration that is on the canvas instead of the result; None: the result itself."""
        self.picture: np.ndarray | None = None
        self.in_front = False
        widget = QWidget()
        self.slider, self.place, self.numbers = QSlider(Qt.Orientation.Horizontal), QLabel(), QLabel()
        self.slider.setToolTip("The kept iterates of the selected result (arrow keys go one by one)")
        self.numbers.setWordWrap(True)
        self.by_psnr, self.by_residual = QPushButton("Best PSNR"), QPushButton("Best residual")
        self.by_psnr.setToolTip("Go to the iterate of highest PSNR: where the truth is known")
        self.by_residual.setToolTip(
            "Go to the iterate whose residual comes nearest to what noise leaves (discrepancy principle, Morozov 1966)"
        )
        self.keep, self.start = QPushButton("Keep this"), QPushButton("Start from this")
        self.keep.setToolTip("Make it a result of its own, as if the run had been stopped here; its recipe says so")
        self.resume, self.more = QPushButton("Continue"), QSpinBox()
        self.resume.setToolTip("Go on from the end of the run, as if there had been no stop")
        self.more.setRange(1, 10_000)
        self.more.setValue(50)
        self.more.setSuffix(" more")
        self.more.setToolTip("So many iterations more than it has done")
        self._lay_out(widget)
        self.slider.valueChanged.connect(self._scrub)
        self.by_psnr.clicked.connect(lambda: self._best("psnr"))
        self.by_residual.clicked.connect(lambda: self._best("residual"))
        self.keep.clicked.connect(lambda: self._keep())
        self.start.clicked.connect(self._start)
        self.resume.clicked.connect(lambda: self.entry and self.stage.workbench.resume(self.entry, self.more.value()))
        return low(widget)

    def _lay_out(self, widget: QWidget) -> None:
        top = QHBoxLayout()
        top.addWidget(self.slider, 1)
        top.addWidget(self.place)
        buttons = QGridLayout()
        for i, button in enumerate((self.by_psnr, self.by_residual, self.keep, self.start)):
            buttons.addWidget(button, i // 2, i % 2)
        again = QHBoxLayout()
        again.addWidget(self.resume, 1)
        again.addWidget(self.more)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(2, 4, 2, 4)
        layout.addLayout(top)
        layout.addWidget(self.numbers)
        layout.addLayout(buttons)
        layout.addLayout(again)
        layout.addStretch(1)

    # ---- showing --------------------------------------------------------------------------------------------

    def show(self) -> None:
        self.in_front = True
        entry = self.stage.selected
        if entry is not self.entry:
            super().leave()
            self.entry, self.looking, self.picture = entry, None, None
        recorder = None if entry is None else entry.job.iterates
        ks = [] if recorder is None else recorder.ks
        if ks != self.ks:
            self.ks = ks
            self.slider.blockSignals(True)
            self.slider.setRange(0, max(0, len(ks) - 1))
            self.slider.setValue(self._row(self.looking))
            self.slider.blockSignals(False)
        self._tell()
        if self.looking is not None and self.picture is not None:
            self._paint(self.looking, self.picture)

    def leave(self) -> None:
        self.in_front = False  # a picture that comes later is not shown
        was, self.looking, self.picture = self.looking, None, None
        super().leave()
        if was is not None:
            self.stage.refresh()

    def _row(self, k: int | None) -> int:
        """Of the slider, for iteration k; the last one where k is None."""
        if k is None or not self.ks:
            return max(0, len(self.ks) - 1)
        return int(np.argmin(np.abs(np.array(self.ks) - k)))

    def _tell(self) -> None:
        entry, there = self.entry, len(self.ks) > 1
        running = entry is not None and entry.job.active
        ended = entry is not None and not running and entry.result is not None
        k = self.looking if self.looking is not None else (self.ks[-1] if self.ks else 0)
        total = entry.job.total if entry is not None else 0
        self.place.setText(f"{k} / {total}" if self.ks else "")
        recorder = None if entry is None else entry.job.iterates
        row = {} if recorder is None else recorder.scalars.get(k, {})
        words = [told(name, row[name]) for name in NUMBERS if name in row]
        step = "" if recorder is None or recorder.every == 1 else f"one iterate in {recorder.every} is kept"
        empty = "Select a result: its iterates are kept while it runs." if entry is None else ""
        if entry is not None and not there:
            empty = "This result has one step, or its iterates were not kept (opened from files, or kept from another)."
        self.numbers.setText(empty or "; ".join(filter(None, [", ".join(words), step])))
        self.slider.setEnabled(there)
        has_truth = recorder is not None and there and recorder.best("psnr") is not None
        for button, able in (
            (self.by_psnr, has_truth),
            (self.by_residual, there),
            (self.keep, there and ended and self.looking not in (None, entry.result.iterations)),  # type: ignore[union-attr]
            (self.start, ended),
            (self.resume, ended and "iterations" in entry.method["params"]),  # type: ignore[union-attr]
        ):
            button.setEnabled(bool(able))
        self.more.setEnabled(self.resume.isEnabled())

    # ---- acting ---------------------------------------------------------------------------------------------

    def _scrub(self, row: int) -> None:
        if self.entry is not None and row < len(self.ks):
            entry = self.entry
            look_at(self.stage.workbench, entry, self.ks[row], lambda k, picture: self._seen(entry, k, picture))

    def _seen(self, entry: Entry, k: int, picture: np.ndarray) -> None:
        if self.in_front and entry is self.entry and entry is self.stage.selected:
            self.looking, self.picture = k, picture
            self._paint(k, picture)
            self._tell()

    def _paint(self, k: int, picture: np.ndarray) -> None:
        """On the canvas, alone, with the contrast of the result."""
        entry = self.entry
        assert entry is not None
        layer = self.put("iterate", picture, f"{entry.named.short}, iteration {k}", frame=entry.scene.frame)
        own = self.stage.layer_of(entry)
        limits = tuple(own.contrast_limits) if own is not None else entry.scene.limits
        if limits is not None and tuple(layer.contrast_limits) != limits:
            layer.contrast_limits = limits
        self.stage.only([layer])
        self.stage.explain_soon()

    def _best(self, by: str) -> None:
        if self.entry is not None:
            best(self.stage.workbench, self.entry, by, self._go)

    def _go(self, k: int) -> None:
        row = self._row(k)
        if row == self.slider.value():
            self._scrub(row)
        self.slider.setValue(row)

    def _keep(self) -> None:
        if self.entry is not None and self.looking is not None:
            keep(self.stage.workbench, self.entry, self.looking)

    def _start(self) -> None:
        """The next run begins with this picture; an iterate on the way is made a result first."""
        entry, workbench = self.entry, self.stage.workbench
        if entry is None or entry.result is None:
            return
        if self.looking in (None, entry.result.iterations):
            workbench.begin_with(entry)
        else:
            keep(workbench, entry, self.looking, workbench.begin_with)


def told(name: str, value: float) -> str:
    """A number of an iteration in words, with its unit."""
    return f"PSNR {value:.2f} dB" if name == "psnr" else f"{name.replace('_', ' ')} {value:.4g}"

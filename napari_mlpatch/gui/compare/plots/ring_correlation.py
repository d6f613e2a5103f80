"""Up to which spatial frequency pictures of two halves of the data agree."""

from __future__ import annotations

import pyqtgraph
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_mlpatch.core.frc import RingCorrelation
from napari_mlpatch.gui.compare.line_plot import LinesById, line_plot
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.workbench.entry import Entry

COMPUTE, STOP = "Compute", "Stop"
HINT = "– – 1/7  ··· half-bit"
EMPTY = (
    "Up to which spatial frequency do two halves of the data agree? Compute reconstructs both halves by the method of "
    "each ticked result."
)


@plots.register("ring-correlation", title="FRC", key="Shift-F", order=50)
class RingCorrelations(Plot):
    """Fourier ring correlation of two pictures, of every other view (spoke, coil...) and of the rest.

    Where it falls below 1/7 or the half-bit curve they agree no more. Artefacts that both halves share count as detail.
    """

    live = False

    def make(self) -> QWidget:
        widget = QWidget()
        self.plot = line_plot("cycles per pixel", "correlation")
        self.plot.setYRange(-0.1, 1.05)
        self.plot.addItem(
            pyqtgraph.InfiniteLine(1 / 7, angle=0, pen=_dashed(), label="1/7", labelOpts={"position": 0.04})
        )
        self.half_bit = self.plot.plot(pen=_dashed(Qt.PenStyle.DotLine))
        self.lines = LinesById(self.plot)
        self.compute = QPushButton(COMPUTE)
        self.compute.setToolTip(
            "Reconstruct two halves of the data by the method of each ticked result: two more runs each"
        )
        self.words = QLabel()
        self.words.setWordWrap(True)
        self._reasons: dict[int, str] = {}
        self._made: dict[int, tuple[object, RingCorrelation]] = {}
        self.bar = self.compute
        self.compute.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        self.compute.clicked.connect(self._compute)
        follow(widget, self.stage.workbench.figures.judged, self.show)
        return widget

    def show(self) -> None:
        shown = [e for e in self.stage.shown if e.result is not None]
        busy = self.stage.workbench.figures.busy
        self.compute.setText(STOP if busy else COMPUTE)
        known = [(e, self._made[e.id][1]) for e in shown if e.id in self._made and self._made[e.id][0] is e.result]
        for entry, curve in known:
            self.lines.draw(entry.id, curve.frequency[1:].numpy(), curve.correlation[1:].numpy(), self.colour(entry))
        self.lines.keep({entry.id for entry, _ in known})
        if known:
            curve = known[0][1]
            self.half_bit.setData(curve.frequency[1:].numpy(), curve.threshold("half-bit")[1:].numpy())
        why = next((text for e, text in self._reasons.items() if e in {e.id for e in shown}), "")
        self.words.setText(f"{busy}…" if busy else why or (HINT if known else ""))
        self.words.setVisible(bool(self.words.text()))
        self.plot.say("" if known else EMPTY)
        self.compute.setEnabled(bool(shown) or bool(busy))

    def _compute(self) -> None:
        figures = self.stage.workbench.figures
        if figures.busy:
            figures.end()
            return
        entries = [e for e in self.stage.shown if e.result is not None and not e.job.active]
        figures.correlate(entries, self._come)

    def _come(self, entry: Entry, curve: RingCorrelation | str) -> None:
        if isinstance(curve, str):
            self._reasons[entry.id] = curve
        else:
            self._made[entry.id] = (entry.result, curve)
        self.show()


def _dashed(style: Qt.PenStyle = Qt.PenStyle.DashLine) -> pyqtgraph.QtGui.QPen:
    return pyqtgraph.mkPen("#999999", width=1, style=style)

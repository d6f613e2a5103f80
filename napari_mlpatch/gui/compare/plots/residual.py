"""The values of the residual, beside what noise alone would do."""

from __future__ import annotations

import pyqtgraph
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_mlpatch.core.goodness import Explained
from napari_mlpatch.core.residual_histogram import ResidualHistogram, residual_histogram
from napari_mlpatch.gui.compare.line_plot import line_plot
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.workbench.entry import Entry

EMPTY = "The residual A x - y of the selected result comes here: its histogram, beside what noise alone would give."


@plots.register("residual", title="Residual", key="Shift-R", order=30)
class Residual(Plot):
    """Histogram of A x - y of the selected result over the noise's normal curve; whiteness: 1 ± 0.4 for white noise."""

    live = False

    def make(self) -> QWidget:
        widget = QWidget()
        self.plot = line_plot("(A x - y) / SD of the noise", "density")
        self.bars = pyqtgraph.BarGraphItem(x0=[], x1=[], height=[], pen=None, brush="#8888")
        self.plot.addItem(self.bars)
        self.curve = self.plot.plot_plain()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self._made: dict[int, tuple[object, ResidualHistogram]] = {}
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        return widget

    def show(self) -> None:
        entry = self.stage.selected
        result = None if entry is None else entry.result
        if entry is None or result is None:
            self._draw(None, None)
            return
        made = self._made.get(entry.id)
        if made is not None and made[0] is result:
            self._draw(entry, made[1])
            return
        problem = entry.scene.problem

        def come(found: ResidualHistogram) -> None:
            self._made[entry.id] = (result, found)
            if entry is self.stage.selected:
                self._draw(entry, found)

        self.stage.workbench.quick.call(
            "residual histogram",
            lambda: residual_histogram(Explained(result.x, problem)),
            come,
            lambda error: self.stage.workbench.failed.emit(str(error)),
        )

    def _draw(self, entry: Entry | None, found: ResidualHistogram | None) -> None:
        if entry is None or found is None:
            self.bars.setOpts(x0=[], x1=[], height=[])
            self.curve.setData([], [])
            self.words.hide()
            self.plot.say(EMPTY)
            return
        self.words.show()
        self.plot.say("")
        half = 0.5 * (found.centers[1] - found.centers[0])
        self.bars.setOpts(
            x0=found.centers - half, x1=found.centers + half, height=found.density, brush=f"{self.colour(entry)}99"
        )
        self.curve.setData(found.centers, found.normal)
        self.plot.setLabel("bottom", f"(A x - y) / SD of the {'noise' if found.known else 'residual'}")
        self.words.setText(found.words)

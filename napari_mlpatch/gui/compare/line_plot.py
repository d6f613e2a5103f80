"""What plots of curves beside the table have in common."""

from __future__ import annotations

import numpy as np
import pyqtgraph
from qtpy.QtCore import Qt

from napari_mlpatch.gui.plumbing.plot import Plot


def line_plot(x: str, y: str) -> Plot:
    """An empty plot with labels, transparent, so that it takes the theme's background."""
    plot = Plot()
    plot.setMinimumWidth(180)
    plot.setLabel("bottom", x)
    plot.setLabel("left", y)
    for side in ("bottom", "left"):
        plot.getAxis(side).enableAutoSIPrefix(False)  # or 0.1 cycles per pixel were 100 thousandths
    return plot


class LinesById:
    """Curves of a plot by a number; only what is new is made anew. The table's dots say which is which."""

    def __init__(self, plot: pyqtgraph.PlotWidget):
        self.plot = plot
        self.items: dict[int, pyqtgraph.PlotDataItem] = {}
        self._colours: dict[int, str] = {}

    def draw(self, number: int, x: np.ndarray, y: np.ndarray, colour: str, *, dashed: bool = False) -> None:
        """Draw a curve, or give it other values, another colour."""
        if number in self.items and self._colours[number] != colour:
            self._remove(number)
        if number not in self.items:
            style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
            pen = pyqtgraph.mkPen(colour, width=2, style=style)
            self.items[number] = self.plot.plot(pen=pen)
            self._colours[number] = colour
        self.items[number].setData(x, y)

    def keep(self, numbers: set[int]) -> None:
        """Remove all other curves."""
        for number in set(self.items) - numbers:
            self._remove(number)

    def _remove(self, number: int) -> None:
        self.plot.removeItem(self.items.pop(number))
        del self._colours[number]

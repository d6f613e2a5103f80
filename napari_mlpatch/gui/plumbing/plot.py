"""Plots whose letters and axes can be read in every theme."""

from __future__ import annotations

from typing import Any

import pyqtgraph

from .theme import PLAIN, Themed


class Plot(Themed, pyqtgraph.PlotWidget):
    """A plot without a background of its own."""

    def __init__(self, **options: Any):
        super().__init__(background=None, **options)  # pyright: ignore[reportArgumentType]
        self._plain: list[pyqtgraph.PlotDataItem] = []
        self.follow_theme()

    def plot_plain(self) -> pyqtgraph.PlotDataItem:
        """A curve in the colour of letters."""
        self._plain.append(self.plot(pen=pyqtgraph.mkPen(PLAIN[self._shade], width=2)))
        return self._plain[-1]

    def paint_theme(self, shade: str) -> None:
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pyqtgraph.mkPen(PLAIN[shade]))
            axis.setTextPen(pyqtgraph.mkPen(PLAIN[shade]))
        for curve in self._plain:
            curve.setPen(pyqtgraph.mkPen(PLAIN[shade], width=2))

"""The L-curve of a sweep: how long the residual is against what the method keeps small, its corner marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph

from napari_mlpatch.batch.sweep import Cell, Sweep
from napari_mlpatch.gui.plumbing.plot import Plot

from .sheet import head

EMPTY = "The L-curve comes here: what is kept small against the residual, once two values have both lengths."
LINE, CORNER = "#5a8dee", "#2ea84f"


class LCurve(Plot):
    """Empty until two combinations have both lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Length of the residual against what the method keeps small; its corner (Hansen 1992)")
        self.showGrid(x=True, y=True, alpha=0.2)
        self.setLabel("bottom", "log₁₀ ‖A x - y‖")
        self.say(EMPTY)

    def draw(self, cells: Sequence[Cell], made: Sweep | None) -> None:
        """What is known of these cells, a curve for each method; the corner once the sweep is ``made``."""
        known = [c for c in cells if all(math.isfinite(v) and v > 0 for v in c.lengths)]
        self.clear()
        self.say(EMPTY)
        for method in dict.fromkeys(cell.method for cell in known):
            its = [cell for cell in known if cell.method == method]
            if len(its) > 1:
                residuals, sizes = (np.log10(side) for side in zip(*(c.lengths for c in its), strict=True))
                self.plot(residuals, sizes, pen=pyqtgraph.mkPen(LINE, width=2), symbol="o", symbolSize=6)
                self.setLabel("left", f"log₁₀ {its[0].penalty}")
                self.say("")
        if made is not None and made.corner is not None:
            cell = made.cells[made.corner.index]
            x, y = np.log10(cell.lengths)
            self.plot([x], [y], pen=None, symbol="s", symbolSize=14, symbolBrush=None, symbolPen=CORNER)
            low, high = self.getViewBox().childrenBounds()[0] or (x, x)
            # below the curve on the left, or above it on the right: where there is room for the words
            anchor = (1, 0) if 2 * x > low + high else (0, 1)
            text = pyqtgraph.TextItem(f"corner: {head(cell, made.cells)}", color=CORNER, anchor=anchor)
            text.setPos(x, y)
            self.addItem(text)

"""Two results in the squares of a checkerboard."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QSpinBox, QWidget

from napari_mlpatch.core import pairs
from napari_mlpatch.gui.compare.pair import Inserted
from napari_mlpatch.gui.compare.parts import views

SQUARES = 8
WIDTH = 76
"""Pixels of the box: napari's style leaves less for figures than Qt asks for."""


@views.register("checkerboard", title="Checkerboard", key="K", order=40)
class Checkerboard(Inserted):
    """The selected result and the other in turn, from square to square; edges that are broken differ."""

    def tile(self, shape: tuple[int, int]) -> int:
        """Side of a square in pixels."""
        return max(1, round(max(shape) / self.kept.get("squares", SQUARES)))

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        return pairs.checkerboard(shape, self.tile(shape))

    def panel(self) -> QWidget:
        box = QSpinBox()
        box.setRange(2, 64)
        box.setValue(self.kept.get("squares", SQUARES))
        box.setMinimumWidth(WIDTH)
        box.setToolTip("Squares along the longer side of the picture")
        box.valueChanged.connect(self._set_squares)
        return box

    def _set_squares(self, squares: int) -> None:
        self.kept["squares"] = squares
        self.again()

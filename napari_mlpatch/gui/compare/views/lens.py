"""Another result in a circle under the cursor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from qtpy.QtWidgets import QSpinBox, QWidget

from napari_mlpatch.core import pairs
from napari_mlpatch.gui.compare.pair import Inserted
from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.plumbing.mouse import At, place
from napari_mlpatch.gui.plumbing.strokes import Strokes

PERCENT = 15
WIDTH = 80


@views.register("lens", title="Lens", key="L", order=45)
class Lens(Inserted):
    """The selected result, and the other in a circle that follows the cursor."""

    def __init__(self, stage):
        super().__init__(stage)
        self.strokes = Strokes(stage.viewer)
        self.undo(self.strokes.clear)
        stage.viewer.mouse_move_callbacks.append(self._moved)
        self.undo(self._deaf)

    def radius(self, shape: tuple[int, int]) -> float:
        """Of the circle, in pixels."""
        return max(1.0, self.kept.get("percent", PERCENT) / 100 * max(shape))

    def centre(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Of the circle: row and column."""
        return self.kept.get("centre") or ((shape[0] - 1) / 2, (shape[1] - 1) / 2)

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        return pairs.disc(shape, self.centre(shape), self.radius(shape))

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        super().show_two(a, b)
        self._draw()

    def look(self, at: At) -> None:
        """Move the circle to a place in the world."""
        if self.above is not None:
            self.kept["centre"] = self.frame_of(self.above).to_pixels(at)
            self.again()
            self._draw()

    def start_anew(self) -> None:
        self.kept.pop("centre", None)

    def panel(self) -> QWidget:
        box = QSpinBox()
        box.setRange(2, 60)
        box.setValue(self.kept.get("percent", PERCENT))
        box.setMinimumWidth(WIDTH)
        box.setSuffix(" %")
        box.setToolTip("Radius of the circle, as a part of the picture's longer side")
        box.valueChanged.connect(self._set_percent)
        return box

    def _set_percent(self, percent: int) -> None:
        self.kept["percent"] = percent
        self.again()
        self._draw()

    def _moved(self, viewer: Any, event: Any) -> None:
        self.look(place(event))

    def _deaf(self) -> None:
        if self._moved in self.stage.viewer.mouse_move_callbacks:
            self.stage.viewer.mouse_move_callbacks.remove(self._moved)

    def _draw(self) -> None:
        if self.above is not None:
            frame, shape = self.frame_of(self.above), self.above.shape
            (row, column), radius = self.centre(shape), self.radius(shape)
            turns = np.linspace(0, 2 * math.pi, 73)
            circle = [frame.to_world((row + radius * math.sin(t), column + radius * math.cos(t))) for t in turns]
            self.strokes.draw([np.array(circle)])

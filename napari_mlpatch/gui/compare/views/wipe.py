"""Two results on either side of a line."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QToolButton, QWidget

from napari_mlpatch.core import pairs
from napari_mlpatch.gui.compare.pair import Inserted
from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.plumbing.mouse import At, Drag, Keys
from napari_mlpatch.gui.plumbing.strokes import Strokes


@views.register("wipe", title="Wipe", key="W", order=20)
class Wipe(Inserted):
    """The selected result on the left, the other on the right of a line to drag; chosen again, above and below it."""

    def __init__(self, stage):
        super().__init__(stage)
        self.kept.setdefault("at", 0.5)
        self.kept.setdefault("axis", 1)
        self.strokes = Strokes(stage.viewer)
        self.undo(self.strokes.clear)
        self.undo(Drag(stage.viewer, self._hit, self.drag).stop)

    @property
    def axis(self) -> int:
        """Along which the line is dragged: 1 from column to column, 0 from row to row."""
        return self.kept["axis"]

    def at(self, shape: tuple[int, int]) -> int:
        """The first row or column that is the other's."""
        return round(self.kept["at"] * shape[self.axis])

    @property
    def corners(self) -> tuple[str, str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("top_left", "top_right") if self.axis == 1 else ("top_left", "bottom_left")

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        return pairs.half(shape, self.at(shape), self.axis)

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        super().show_two(a, b)
        self._draw()

    def drag(self, to: At) -> None:
        """Move the line to a place in the world."""
        if self.above is not None:
            pixel = self.frame_of(self.above).to_pixels(to)[self.axis]
            self.kept["at"] = min(max((pixel + 0.5) / self.above.shape[self.axis], 0.0), 1.0)
            self.again()
            self._draw()

    def once_more(self) -> None:
        self.kept["axis"] = 1 - self.axis

    def panel(self) -> QWidget:
        button = QToolButton()
        button.setText("Turn")
        button.setToolTip("Wipe from left to right, or from top to bottom\nKey: W again")
        button.clicked.connect(lambda: self.stage.set_view(self.name))
        return button

    def _ends(self) -> tuple[At, At]:
        assert self.above is not None
        frame, shape, axis = self.frame_of(self.above), self.above.shape, self.axis
        edge = self.at(shape) - 0.5
        across = (-0.5, shape[1 - axis] - 0.5)
        first, last = (frame.to_world((a, edge) if axis == 1 else (edge, a)) for a in across)
        return first, last

    def _draw(self) -> None:
        if self.above is not None:
            ends = np.array(self._ends())
            middle = ends.mean(axis=0)
            self.strokes.draw([ends], [(middle[0], middle[1])])

    def _hit(self, place: At, reach: float, keys: Keys) -> bool:
        if self.above is None or not self.strokes.paths:
            return False
        (first, last), axis = self._ends(), self.axis
        across = place[1 - axis]
        return abs(place[axis] - first[axis]) <= reach and first[1 - axis] <= across <= last[1 - axis]

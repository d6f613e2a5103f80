"""Lines above the pictures: handles to drag, not layers of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.viewer import Viewer
from vispy.scene import visuals

LINE: Any = visuals.Line  # made by vispy as it is imported: no checker knows their arguments
MARKERS: Any = visuals.Markers
FRONT = 10**5
"""Order of drawing: above all layers, below napari's overlays."""


DOT = 9.0
"""Pixels of the screen across a dot."""


class Strokes:
    """Lines and dots in world coordinates (row, column), white with a dark edge; in grid mode in every cell."""

    def __init__(self, viewer: Viewer):
        self._canvas = viewer.window._qt_viewer.canvas
        self._viewer = viewer
        self._drawn: dict[int, tuple[Any, list[Any], Any]] = {}
        self.paths: list[np.ndarray] = []
        self.dots = np.zeros((0, 2), np.float32)

    def draw(self, paths: Sequence[np.ndarray], dots: Sequence[tuple[float, float]] = ()) -> None:
        """Draw these paths ``[n, 2]`` and dots and no others."""
        self.dots = np.asarray(dots, np.float32).reshape(-1, 2)
        self.paths = [np.asarray(path, np.float32) for path in paths]
        if not self.paths:
            self.clear()
            return
        points = np.concatenate(self.paths)[:, ::-1]  # vispy's x is the column
        ends = np.cumsum([len(path) for path in self.paths])
        connect = np.ones(len(points), bool)
        connect[ends - 1] = False
        scenes = self._scenes()
        for key in [key for key in self._drawn if key not in {id(scene) for scene in scenes}]:
            self._free(key)
        for scene in scenes:
            if id(scene) not in self._drawn:
                lines = [self._line(scene, 4.0, "black", 0), self._line(scene, 1.6, "white", 1)]
                self._drawn[id(scene)] = (scene, lines, self._markers(scene))
            _, lines, markers = self._drawn[id(scene)]
            for line in lines:
                line.set_data(pos=points, connect=connect)
            markers.visible = len(self.dots) > 0
            if markers.visible:
                markers.set_data(
                    self.dots[:, ::-1], size=DOT, face_color="white", edge_color="black", edge_width=1.2, symbol="disc"
                )

    def clear(self) -> None:
        """Take them away."""
        self.paths, self.dots = [], np.zeros((0, 2), np.float32)
        for key in list(self._drawn):
            self._free(key)

    def _scenes(self) -> list[Any]:
        canvas = self._canvas
        in_grid = self._viewer.canvas.grid.enabled and canvas.grid_views
        return [view.scene for view in canvas.grid_views] if in_grid else [canvas.view.scene]

    @staticmethod
    def _line(scene: Any, width: float, colour: str, above: int) -> Any:
        line = LINE(pos=np.zeros((2, 2), np.float32), color=colour, width=width, antialias=True, parent=scene)
        line.set_gl_state("translucent", depth_test=False)
        line.order = FRONT + above
        return line

    @staticmethod
    def _markers(scene: Any) -> Any:
        markers = MARKERS(scaling=False, parent=scene)
        markers.set_gl_state("translucent", depth_test=False)
        markers.order = FRONT + 2
        return markers

    def _free(self, key: int) -> None:
        _, lines, markers = self._drawn.pop(key)
        for each in (*lines, markers):
            each.parent = None

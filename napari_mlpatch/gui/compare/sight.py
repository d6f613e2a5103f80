"""The camera stays on what it looks at when another view has cells of another size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from napari.layers import Image, Layer
from napari.viewer import Viewer

FILLED = 0.95
"""Of a cell, as napari does it."""
TINY = 1e-12


class Sight:
    """Keeps the centre, and the magnification relative to that at which a picture fills its cell."""

    def __init__(self, viewer: Viewer, room: Callable[[], tuple[int, int]]):
        self.viewer, self.room = viewer, room

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """What was in the middle before is in the middle after, as large in its cell."""
        camera, before = self.viewer.scene.camera, self.fitting()
        centre, zoom = camera.center, camera.zoom
        yield
        after = self.fitting()
        if before and after:
            camera.center, camera.zoom = centre, zoom * after / before
        elif after:
            self.fit([layer for layer in self.viewer.layers if layer.visible])

    def fit(self, layers: Sequence[Layer]) -> None:
        """These layers fill the canvas, or its cells.

        napari 0.9 cannot do that for pictures while a stack is in its list: it looks for an axis that they do not have.
        """
        if any(layer.ndim == self.viewer.dims.ndim for layer in layers) or self.viewer.dims.ndisplay == 3:
            self.viewer.reset_view(layers=layers)
            return
        corners = np.array([layer.extent.world[:, -2:] for layer in layers])
        low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
        width, height = self._cell()
        camera = self.viewer.scene.camera
        camera.center = (0.0, *((low + high) / 2))
        camera.zoom = FILLED * min(height / max(high[0] - low[0], TINY), width / max(high[1] - low[1], TINY))

    def fitting(self) -> float:
        """Screen pixels for a unit of the world when a picture on show just fills its cell; 0 where none is on show."""
        shown = next((la for la in self.viewer.layers if la.visible and isinstance(la, Image)), None)
        if shown is None:
            return 0.0
        width, height = self._cell()
        low, high = shown.extent.world[:, -2:]
        return min(height / (high[0] - low[0]), width / (high[1] - low[1])) if (high > low).all() else 0.0

    def _cell(self) -> tuple[float, float]:
        """Width and height in pixels of the canvas, or of a cell of its grid."""
        grid, (width, height) = self.viewer.canvas.grid, self.room()
        rows, columns = grid.actual_shape(self.viewer.layers) if grid.enabled else (1, 1)
        return width / max(columns, 1), height / max(rows, 1)

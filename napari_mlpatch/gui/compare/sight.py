"""The camera stays on what it looks at when another view has cells of another size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from napari.layers import Image
from napari.viewer import Viewer


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
            self.viewer.reset_view(layers=[layer for layer in self.viewer.layers if layer.visible])

    def fitting(self) -> float:
        """Screen pixels for a unit of the world when a picture on show just fills its cell; 0 where none is on show."""
        shown = next((la for la in self.viewer.layers if la.visible and isinstance(la, Image)), None)
        if shown is None:
            return 0.0
        grid, (width, height) = self.viewer.canvas.grid, self.room()
        if grid.enabled:
            rows, columns = grid.actual_shape(self.viewer.layers)
            width, height = width / max(columns, 1), height / max(rows, 1)
        low, high = shown.extent.world[:, -2:]
        return min(height / (high[0] - low[0]), width / (high[1] - low[1])) if (high > low).all() else 0.0

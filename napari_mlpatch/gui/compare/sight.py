"""The camera stays on what it looks at when another view has cells of another size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from napari.layers import Image, Layer
from napari.viewer import Viewer

from .bars import SMALLEST, SPACING

FILLED = 0.95
"""Of a cell, as napari does it."""
PADDING = (5.0, 4.0)
"""Pixels that napari leaves beside and above captions and bars: its ten would have captions lie over the pictures."""
BELOW = 3
"""Pixels that stay free between a caption and its picture, and below that."""
TINY = 1e-12
LINE = 2.0
"""Pixels of a line's height, for each unit of the size of its letters."""


class Sight:
    """Keeps the centre, and the magnification relative to that at which a picture fills its cell.

    The upper edge of a cell belongs to the caption: a picture fills what is left, and stands near to its caption.
    """

    def __init__(self, viewer: Viewer, room: Callable[[], tuple[int, int]]):
        self.viewer, self.room = viewer, room
        viewer.canvas.overlay_tiling.padding = PADDING

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """What was in the middle of pictures before is there after, as large in its cell."""
        camera, before = self.viewer.scene.camera, self.fitting()
        centre, zoom, low = camera.center, camera.zoom, self._down()
        yield
        after = self.fitting()
        if before and after:
            camera.zoom = zoom * after / before
            camera.center = (*centre[:-2], centre[-2] + low / zoom - self._down() / camera.zoom, centre[-1])
        elif after:
            self.fit([layer for layer in self.viewer.layers if layer.visible])

    def fit(self, layers: Sequence[Layer]) -> None:
        """These layers fill the canvas, or its cells, below their captions.

        napari 0.9 cannot do that for pictures while a stack is in its list: it looks for an axis that they do not have.
        """
        dims = self.viewer.dims
        if dims.ndisplay == 3 or tuple(dims.displayed) != (dims.ndim - 2, dims.ndim - 1):
            self.viewer.reset_view(layers=layers)
            return
        corners = np.array([edges(layer) for layer in layers])
        low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
        camera, (row, column) = self.viewer.scene.camera, (low + high) / 2
        size = np.maximum(high - low, TINY)
        camera.zoom = self._filling(size)
        camera.center = (0.0, row - self._lower(size) / camera.zoom, column)

    def fitting(self) -> float:
        """Screen pixels for a unit of the world when a picture on show fills its cell; 0 where none is on show."""
        size = self._shown()
        return 0.0 if size is None else self._filling(size)

    def side(self, shape: tuple[int, int]) -> float:
        """Pixels of a square picture in a cell of a grid of so many rows and columns."""
        width, height = self._parts(shape)
        return min(width, height - above(SMALLEST))

    def _shown(self) -> np.ndarray | None:
        """Height and width in the world of a picture on show."""
        shown = next((la for la in self.viewer.layers if la.visible and isinstance(la, Image)), None)
        low, high = (np.zeros(2), np.zeros(2)) if shown is None else edges(shown)
        return high - low if (high > low).all() else None

    def _down(self) -> float:
        size = self._shown()
        return 0.0 if size is None else self._lower(size)

    def _lower(self, size: np.ndarray) -> float:
        """By how many pixels the middle of a picture that fills its cell is lower than that of the cell."""
        caption, height = self._caption(), self._cell()[1]
        free = height - caption - float(size[0]) * self._filling(size)
        return caption / 2 - max(free / 2 - LINE * SMALLEST, 0.0) * (caption > 0)

    def _filling(self, size: np.ndarray) -> float:
        """Screen pixels for a unit of the world when something of so many rows and columns fills its cell."""
        width, height = self._cell()
        free = min(FILLED * height, height - self._caption() - BELOW)
        return float(min(max(free, 1.0) / size[0], FILLED * width / size[1]))

    def _caption(self) -> float:
        """Height in pixels of what the upper edge of a cell keeps for a line of letters."""
        named = (layer.name_overlay for layer in self.viewer.layers if layer.visible)
        return max((above(overlay.font_size) for overlay in named if overlay.visible), default=0.0)

    def _cell(self) -> tuple[float, float]:
        """Width and height in pixels of the canvas, or of a cell of its grid."""
        grid = self.viewer.canvas.grid
        return self._parts(grid.actual_shape(self.viewer.layers) if grid.enabled else (1, 1))

    def _parts(self, shape: tuple[int, int]) -> tuple[float, float]:
        (width, height), (rows, columns) = self.room(), (max(n, 1) for n in shape)
        gap = SPACING * (width / columns + height / rows) / 2  # as napari has it
        return (width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows


def edges(layer: Layer) -> np.ndarray:
    """First and last row and column of a layer in the world, ``[2, 2]``: to the edges of pixels, not their centres."""
    half = np.abs(layer.extent.step[-2:]) / 2
    return layer.extent.world[:, -2:] + np.array([-half, half])


def above(size: float) -> float:
    """Height in pixels that a caption in letters of this size takes, with what is free above and below it."""
    return LINE * size + 2 * PADDING[1] + BELOW

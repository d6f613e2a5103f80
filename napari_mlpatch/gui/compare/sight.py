"""The camera stays on what it looks at when another view has cells of another size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from napari.layers import Image, Layer
from napari.viewer import Viewer

from napari_mlpatch.gui.plumbing.fitted import fitted, wide

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


FILLING = 1.01
"""Of what fills its cell: what is larger has been magnified, and lies below captions anyway."""
CLOSE = 2
"""Pixels by which napari's cells may be narrower than they are computed here."""


class Cell(NamedTuple):
    """What pictures stand in: a cell of ``shape`` rows and columns of them, in pixels, and what captions keep of it."""

    shape: tuple[int, int]
    width: float
    height: float
    above: float
    below: float


class Sight:
    """Keeps the centre, and the magnification relative to that at which a picture fills its cell.

    The edge of a cell where a caption stands belongs to it: a picture fills what is left, and stands near to it.
    """

    def __init__(self, viewer: Viewer, room: Callable[[], tuple[int, int]]):
        self.viewer, self.room = viewer, room
        self._stood: Cell | None = None
        """In which the pictures on show were placed."""
        viewer.canvas.overlay_tiling.padding = PADDING

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """What was in the middle of pictures before is there after, as large in its cell."""
        camera, size, cell = self.viewer.scene.camera, self._shown(), self._cell()
        if self._stood is not None and self._stood[:3] == cell[:3]:
            cell = self._stood  # captions may have grown since
        centre, zoom = camera.center, camera.zoom
        yield
        if size is not None:
            self._move(zoom, centre, size, cell)
        elif self._shown() is not None:
            self.fit([layer for layer in self.viewer.layers if layer.visible])

    def settle(self) -> None:
        """Captions that have grown push pictures which stood free of them aside; shorter ones leave all as it is."""
        camera, size, cell, stood = self.viewer.scene.camera, self._shown(), self._cell(), self._stood
        if size is None or stood is None or stood[:3] != cell[:3]:
            self._stood = cell
        elif (cell.above > stood.above or cell.below > stood.below) and camera.zoom <= filling(size, stood) * FILLING:
            self._move(camera.zoom, camera.center, size, stood)

    def resized(self) -> None:
        """The canvas has another size: pictures are as large in their cells as they were."""
        camera, size, stood = self.viewer.scene.camera, self._shown(), self._stood
        if size is not None and stood is not None and self._cell().shape == stood.shape:
            self._move(camera.zoom, camera.center, size, stood)

    def _move(self, zoom: float, centre: tuple[float, ...], size: np.ndarray, before: Cell) -> None:
        """From where the camera was over pictures of this size in these cells to the same place in those there are."""
        after, cell, camera = self._shown(), self._cell(), self.viewer.scene.camera
        if after is None or self._is_elsewhere():
            return
        self._stood, low = cell, lower(size, before) / zoom
        camera.zoom = zoom * filling(after, cell) / filling(size, before)
        camera.center = (*centre[:-2], centre[-2] + low - lower(after, cell) / camera.zoom, centre[-1])

    def fit(self, layers: Sequence[Layer]) -> None:
        """These layers fill the canvas, or its cells, free of their captions.

        napari 0.9 cannot do that for pictures while a stack is in its list: it looks for an axis that they do not have.
        """
        if self._is_elsewhere():
            self.viewer.reset_view(layers=layers)
            return
        corners = np.array([edges(layer) for layer in layers])
        low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
        camera, (row, column) = self.viewer.scene.camera, (low + high) / 2
        size, cell = np.maximum(high - low, TINY), self._cell()
        self._stood = cell
        camera.zoom = filling(size, cell)
        camera.center = (0.0, row - lower(size, cell) / camera.zoom, column)

    def _is_elsewhere(self) -> bool:
        """Whether the canvas shows other axes than rows and columns."""
        dims = self.viewer.dims
        return dims.ndisplay == 3 or tuple(dims.displayed) != (dims.ndim - 2, dims.ndim - 1)

    def side(self, shape: tuple[int, int]) -> float:
        """Pixels of a square picture in a cell of a grid of so many rows and columns."""
        width, height = self._parts(shape)
        return min(width, height - above(SMALLEST))

    def _shown(self) -> np.ndarray | None:
        """Height and width in the world of a picture on show."""
        shown = next((la for la in self.viewer.layers if la.visible and isinstance(la, Image)), None)
        low, high = (np.zeros(2), np.zeros(2)) if shown is None else edges(shown)
        return high - low if (high > low).all() else None

    def _cell(self) -> Cell:
        """The canvas, or a cell of its grid, with the captions on show in it."""
        grid = self.viewer.canvas.grid
        rows, columns = grid.actual_shape(self.viewer.layers) if grid.enabled else (1, 1)
        width, height = self._parts((rows, columns))
        named = [layer for layer in self.viewer.layers if layer.visible and layer.name_overlay.visible]
        top, bottom = (
            max((self._caption(la, width) for la in named if edge in str(la.name_overlay.position)), default=0.0)
            for edge in ("top", "bottom")
        )
        return Cell((rows, columns), width, height, top, bottom)

    def _caption(self, layer: Layer, width: float) -> float:
        """Height in pixels of what a cell so wide keeps for the caption of a layer."""
        size, face = layer.name_overlay.font_size, self.viewer.window._qt_viewer.canvas.font_info().face
        lines = fitted(layer.name, size, face, wide(self.viewer, layer, width) - CLOSE).text.count("\n")
        return above(size) + lines * LINE * size

    def _parts(self, shape: tuple[int, int]) -> tuple[float, float]:
        (width, height), (rows, columns) = self.room(), (max(n, 1) for n in shape)
        gap = SPACING * (width / columns + height / rows) / 2  # as napari has it
        return (width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows


def edges(layer: Layer) -> np.ndarray:
    """First and last row and column of a layer in the world, ``[2, 2]``: to the edges of pixels, not their centres."""
    half = np.abs(layer.extent.step[-2:]) / 2
    return layer.extent.world[:, -2:] + np.array([-half, half])


def filling(size: np.ndarray, cell: Cell) -> float:
    """Screen pixels for a unit of the world when something of so many rows and columns fills its cell."""
    free = min(FILLED * cell.height, cell.height - cell.above - cell.below - BELOW)
    return float(min(max(free, 1.0) / size[0], FILLED * cell.width / size[1]))


def lower(size: np.ndarray, cell: Cell) -> float:
    """By how many pixels the middle of a picture that fills its cell is lower than that of the cell."""
    free = cell.height - cell.above - cell.below - float(size[0]) * filling(size, cell)
    return (cell.above - cell.below) / 2 - max(free / 2 - LINE * SMALLEST, 0.0) * (cell.above > cell.below)


def above(size: float) -> float:
    """Height in pixels that a caption of one line of this size takes, with what is free above and below it."""
    return LINE * size + 2 * PADDING[1] + BELOW

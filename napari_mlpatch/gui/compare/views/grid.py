"""All ticked results side by side."""

from __future__ import annotations

import math

from napari.layers import Image

from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.compare.view import View

SMALLEST, LARGEST = 6.0, 10.0
"""Sizes of letters in captions."""
KEEP = 0.75
"""Of the side that pictures could have: as long as it is larger, a grid keeps its shape when cells come or go."""
LETTER = 0.96
"""Pixels of an average letter's width, for each unit of the size."""


@views.register("grid", title="Grid", key="G", order=10)
class Grid(View):
    """Truth and all ticked results side by side, zoomed together; of other kinds, a second row below the pictures."""

    def __init__(self, stage):
        super().__init__(stage)
        self._cells: list[Image] = []

    def show(self) -> None:
        stage = self.stage
        results = [layer for e in stage.shown if (layer := stage.layer(e)) is not None]
        below: list[Image] = []
        if stage.kind != "picture":
            below = [layer for e in stage.shown if (layer := stage.layer(e, stage.kind)) is not None]
            if len(below) < len(results):
                below = []  # until all of them are there
        truth = stage.scenes["truth"]
        cells = [*([truth] if truth is not None and not below else []), *results, *below]
        if not cells and (preview := stage.scenes["preview"]) is not None:
            cells = [preview]
        self.arrange(cells, (2, len(results)) if below else self._shape(len(cells)))

    def arrange(self, cells: list[Image], shape: tuple[int, int]) -> None:
        """Show these pictures in a grid of that many rows and columns."""
        stage, grid = self.stage, self.stage.viewer.canvas.grid
        with stage.canvas.acting():
            self._order(cells)
            stage.only(cells, active=stage.layer(stage.selected))
            anew = not grid.enabled or grid.shape != shape
            if anew:
                with stage.sight.kept():
                    grid.stride, grid.spacing, grid.shape = 1, 0.02, shape
                    grid.enabled = True
        self._cells = cells
        self._fit_captions()

    def leave(self) -> None:
        super().leave()
        with self.stage.canvas.acting():
            for layer in self._cells:
                layer.name_overlay.font_size = LARGEST
            self._cells = []
            self.stage.viewer.canvas.grid.enabled = False

    def _order(self, cells: list[Image]) -> None:
        """napari fills the grid in the order of the list."""
        layers = self.stage.viewer.layers
        wanted = [layer for layer in cells if layer in layers]
        if [layer for layer in layers if layer in wanted] != wanted:
            for layer in wanted:
                layers.move(layers.index(layer), len(layers))

    def _shape(self, count: int) -> tuple[int, int]:
        """Rows and columns of a grid in which that many pictures are as large as they can be."""
        width, height = self.stage.room()
        count = max(count, 1)  # the window may be closing
        shapes = [(rows, math.ceil(count / rows)) for rows in range(1, count + 1)]

        def side(shape: tuple[int, int]) -> float:
            return min(width / shape[1], height / shape[0])

        best = max(shapes, key=lambda s: (side(s), -s[0] * s[1]))
        grid = self.stage.viewer.canvas.grid
        rows, columns = (int(n) for n in grid.shape)
        now = (rows, columns)
        if grid.enabled and min(now) > 0 and now[0] * now[1] >= count and side(now) >= KEEP * side(best):
            return now  # another shape makes napari build the whole canvas anew
        return best

    def _fit_captions(self) -> None:
        """Letters so small that no caption is wider than its cell."""
        if not self._cells:
            return
        width = self.stage.room()[0] / max(self.stage.viewer.canvas.grid.shape[1], 1)
        longest = max(len(layer.name) for layer in self._cells)
        size = max(SMALLEST, min(LARGEST, width / (LETTER * (longest + 2))))
        for layer in self._cells:
            if layer.name_overlay.font_size != size:
                layer.name_overlay.font_size = size

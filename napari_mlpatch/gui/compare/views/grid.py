"""All ticked results side by side."""

from __future__ import annotations

import math

from napari.layers import Image

from napari_mlpatch.gui.compare.bars import SPACING
from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.compare.view import View

KEEP = 0.75
"""Of the side that pictures could have: as long as it is larger, a grid keeps its shape when cells come or go."""


@views.register("grid", title="Grid", key="G", order=10)
class Grid(View):
    """Truth and all ticked results side by side, zoomed together; other kinds stand below or beside the pictures."""

    def show(self) -> None:
        stage = self.stage
        results = [layer for e in stage.shown if (layer := stage.layer(e)) is not None]
        below: list[Image] = []
        if stage.kind != "picture":
            below = [layer for e in stage.shown if (layer := stage.layer(e, stage.kind)) is not None]
            if len(below) < len(results):
                below = []  # until all of them are there
        waits = stage.kind != "picture" and results and not below
        self.say(f"Computing {stage.kinds()[stage.kind]} of {len(results)} results…" if waits else "")
        truth = stage.scenes["truth"]
        if below:
            self.arrange(*self._pairs(results, below))
            return
        cells = [*([truth] if truth is not None else []), *results]
        if not cells and (preview := stage.scenes["preview"]) is not None:
            cells = [preview]
        self.arrange(cells, self._shape(len(cells)))

    def _pairs(self, above: list[Image], below: list[Image]) -> tuple[list[Image], tuple[int, int]]:
        """Pictures and what belongs to them: in two rows, or beside each other where they are larger so."""
        side, count = self.stage.sight.side, len(above)
        in_rows = side((2, count))
        sides = {n: side((math.ceil(count / n), 2 * n)) for n in range(1, count + 1)}
        beside = max(sides, key=lambda n: sides[n])
        if sides[beside] <= in_rows:
            return [*above, *below], (2, count)
        return [cell for pair in zip(above, below, strict=True) for cell in pair], (
            math.ceil(count / beside),
            2 * beside,
        )

    def arrange(self, cells: list[Image], shape: tuple[int, int]) -> None:
        """Show these pictures in a grid of that many rows and columns."""
        stage, grid = self.stage, self.stage.viewer.canvas.grid
        with stage.canvas.acting():
            self._order(cells)
            active = stage.layer(stage.selected)
            if grid.enabled and grid.shape == shape:
                stage.only(cells, active=active)
            else:
                with stage.sight.kept():
                    grid.stride, grid.spacing, grid.shape = 1, SPACING, shape
                    grid.enabled = True
                    stage.only(cells, active=active)
        self.fit_captions([self._whole(layer) for layer in cells], beside=shape[1])

    def leave(self) -> None:
        super().leave()
        with self.stage.canvas.acting():
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
        side, count = self.stage.sight.side, max(count, 1)  # the window may be closing
        shapes = [(rows, math.ceil(count / rows)) for rows in range(1, count + 1)]
        best = max(shapes, key=lambda s: (side(s), -s[0] * s[1]))
        grid = self.stage.viewer.canvas.grid
        rows, columns = (int(n) for n in grid.shape)
        now = (rows, columns)
        if grid.enabled and min(now) > 0 and now[0] * now[1] >= count and side(now) >= KEEP * side(best):
            return now  # another shape makes napari build the whole canvas anew
        return best

    def _whole(self, layer: Image) -> str:
        entry, role = self.stage.entry_of(layer), layer.metadata.get("mlpatch", {}).get("role")
        return layer.name if entry is None else self.stage.results.whole(entry, "picture" if role == "result" else role)

"""Many changes of layers at the price of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.viewer import Viewer


@contextlib.contextmanager
def at_once(viewer: Viewer) -> Iterator[None]:
    """Show and hide layers, add and remove overlays, change the grid: the canvas is arranged once, at the end.

    napari (0.9.2) arranges the whole canvas anew at every change of every layer, and within that places all overlays
    again for each layer: showing twenty pictures in a grid took seconds.
    """
    canvas = viewer.window._qt_viewer.canvas
    if getattr(canvas, "_pause_scene_graph", True):  # it is already being done, or this napari knows no pause
        yield
        return
    defer, before = canvas._defer_canvas_overlay_position_update, _arrangement(viewer)
    canvas._pause_scene_graph = True
    vars(canvas)["_update_overlay_canvas_positions"] = lambda event=None: defer()
    try:
        yield
    finally:
        canvas._pause_scene_graph = False
        try:
            if _arrangement(viewer) != before:
                _renew_cells(viewer)
                canvas._update_scenegraph()
                defer()
        finally:
            del vars(canvas)["_update_overlay_canvas_positions"]
            if canvas._needs_overlay_position_update:
                canvas._update_overlay_canvas_positions()
                canvas._scene_canvas.update()


def _renew_cells(viewer: Viewer) -> None:
    """Cells without a camera are made anew, or they would show their pictures at any magnification.

    An overlay that is switched on while nothing is arranged asks for the cell it is to lie in: that alone makes one,
    and napari takes a grid of the right size for a grid that is done.
    """
    canvas, grid = viewer.window._qt_viewer.canvas, viewer.canvas.grid
    if grid.enabled:
        rows, columns = grid.actual_shape(viewer.layers)
        if canvas.grid.grid_size == (rows, columns) and len(canvas.grid_views) != rows * columns:  # cameras may rest
            canvas.grid.parent = None
            canvas.grid = canvas.central_widget.add_grid(border_width=0)


def _arrangement(viewer: Viewer) -> Any:
    """All that the canvas is arranged by."""
    grid = viewer.canvas.grid
    layers = [(layer, layer.visible, [o.visible for o in layer._overlays.values()]) for layer in viewer.layers]
    overlays = [o.visible for o in viewer.canvas.overlays.values()]
    return layers, overlays, grid.enabled, grid.shape, grid.stride, grid.spacing


def count_cells_once(viewer: Viewer) -> None:
    """Make napari's grid find out in one pass which layers are in which cell: it asks each cell about each layer."""
    grid = viewer.canvas.grid
    own: Any = type(grid).iter_viewboxes

    def iter_viewboxes(layers: Sequence[Any]) -> Iterator[tuple[tuple[int, int], tuple[int, ...]]]:
        if not grid.enabled or not layers:
            yield from own(grid, layers)
            return
        rows, columns = grid.actual_shape(layers)
        group_of, occupied = grid._viewbox_groups(layers)
        place = {group: i % (rows * columns) for i, group in enumerate(occupied)}
        found: dict[tuple[int, int], list[int]] = {}
        for index in grid._effective_indices(layers):
            found.setdefault(divmod(place[group_of[index]], columns), []).append(index)
        for cell in np.ndindex(rows, columns):
            yield cell, tuple(found.get(cell, ()))

    if hasattr(grid, "_viewbox_groups") and hasattr(grid, "_effective_indices"):
        vars(grid)["iter_viewboxes"] = iter_viewboxes

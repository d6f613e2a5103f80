"""The cells of napari's grid: kept when its shape changes, and placed where something has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vispy.geometry import Rect
from vispy.scene import ViewBox

if TYPE_CHECKING:
    from napari.viewer import Viewer

Cell = tuple[Any, Any]
"""A view box, and napari's camera of it."""
MOVES = ("_on_center_change", "_on_zoom_change")


def reshape(canvas: Any, shape: tuple[int, int], spare: list[Cell]) -> None:
    """Give the grid so many rows and columns, of the cells that there are; ``spare`` are those it has no place for.

    napari (0.9.2) makes the grid and all its cells anew, each with two cameras, and moves all pictures. Here cells that
    hold a picture on show go on holding it.
    """
    grid, views, cameras = canvas.grid, canvas.grid_views, canvas.grid_cameras
    count = shape[0] * shape[1]
    if grid.grid_size == shape and [widget for *_, widget in grid._grid_widgets.values()] == views:
        return
    shown = {canvas.layer_to_visual[layer].node.parent for layer in canvas.viewer.layers if layer.visible}
    cells = sorted([*zip(views, cameras, strict=True), *spare], key=lambda cell: cell[0].scene not in shown)
    for *_, widget in grid._grid_widgets.values():
        if all(widget is not view for view, _ in cells):
            widget.parent = None  # made by an overlay that asked for a cell, and without a camera
    grid._cells, grid._grid_widgets, grid._n_added = {}, {}, 0
    cells += [_new(canvas) for _ in range(count - len(cells))]
    for i, (view, camera) in enumerate(cells):
        view.visible = i < count
        if view.visible:
            grid.add_widget(view, *divmod(i, shape[1]))
            wake(camera)
        else:
            rest(camera)
    views[:], cameras[:] = ([cell[k] for cell in cells[:count]] for k in (0, 1))
    spare[:] = cells[count:]


def _new(canvas: Any) -> Cell:
    """As napari makes it."""
    view = ViewBox(border_width=0, parent=canvas.grid)
    return view, type(canvas.camera)(view, canvas.viewer.scene.camera, canvas.viewer.dims)


def swap(canvas: Any, i: int, j: int) -> None:
    """Let two cells of the grid change places with all that is in them, which costs less than to move the pictures."""
    cells, whole = canvas.grid._cells, canvas.grid._grid_widgets
    first, second = whole[i], whole[j]
    whole[i], whole[j] = (*first[:-1], second[-1]), (*second[:-1], first[-1])
    cells[first[0]][first[1]], cells[second[0]][second[1]] = second[-1], first[-1]
    for each in (canvas.grid_views, canvas.grid_cameras):
        each[i], each[j] = each[j], each[i]


def rest(camera: Any) -> None:
    """Let the camera of a hidden cell stay where it is."""
    vars(camera).update(dict.fromkeys(MOVES, lambda event=None: None))


def wake(camera: Any) -> None:
    """Let it follow again, from where the canvas's camera is now."""
    for name in MOVES:
        if vars(camera).pop(name, None) is not None:
            getattr(camera, name)()


def lay_out_once(grid: Any) -> None:
    """Make vispy's grid (0.17) place its cells where something has changed, not at each paint, and by arithmetic.

    vispy solves a system of equations for it, which for napari's cells, all of one size, has a plain answer.
    """
    if "_prepare_draw" in vars(grid) or not hasattr(grid, "_need_solver_recreate"):
        return
    own = type(grid)._prepare_draw
    done: list[Any] = [None]

    def prepare_draw(view: Any) -> None:
        size = (grid.rect.width, grid.rect.height, str(grid.spacing), grid.padding, grid.margin)
        placed = (size, [(*place, id(widget)) for *place, widget in grid._grid_widgets.values()])
        if placed != done[0]:
            done[0] = placed
            _place_evenly(grid) if _is_even(grid) else own(grid, view)

    vars(grid)["_prepare_draw"] = prepare_draw


def _is_even(grid: Any) -> bool:
    """Whether its cells are all of one size."""
    return all(
        (rows, columns) == (1, 1) and cell.stretch == [1, 1] and cell._width_limits == cell._height_limits == [0, None]
        for _, _, rows, columns, cell in grid._grid_widgets.values()
    )


def _place_evenly(grid: Any) -> None:
    rect, (rows, columns) = grid.rect.padded(grid.padding + grid.margin), grid.grid_size
    if min(rows, columns, rect.width, rect.height) <= 0:
        return
    across, down = grid.spacing if isinstance(grid.spacing, tuple) else (grid.spacing, grid.spacing)
    width = max((rect.width - across * (columns - 1)) / columns, 0)
    height = max((rect.height - down * (rows - 1)) / rows, 0)
    for row, column, *_, cell in grid._grid_widgets.values():
        x, y = column * (width + across), row * (height + down)
        cell.rect = Rect(x + grid.padding, y + grid.padding, width, height)


def lay_out(viewer: Viewer) -> None:
    """Place a grid's cells now, where any has changed, and not while they are painted: both take as long."""
    canvas = viewer.window._qt_viewer.canvas
    if viewer.canvas.grid.enabled and "_prepare_draw" in vars(canvas.grid):
        canvas.grid._prepare_draw(None)

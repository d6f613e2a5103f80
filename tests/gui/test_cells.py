"""The cells of a grid are kept, and stand where vispy and napari would put them."""

from __future__ import annotations

import numpy as np
import pytest
from vispy.scene import SceneCanvas
from vispy.scene.widgets import Grid

from napari_mlpatch.gui.plumbing.cells import lay_out_once
from napari_mlpatch.gui.plumbing.only_shown import only_shown
from napari_mlpatch.gui.plumbing.scenegraph import at_once


@pytest.mark.parametrize("size", [(800, 600), (333, 777), (10, 40)])
@pytest.mark.parametrize("spacing", [0, 13, (5, 2)])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (1, 7), (5, 1)])
def test_they_are_placed_as_vispy_places_them(qapp, shape, spacing, size):
    found = []
    for ours in (False, True):
        grid = SceneCanvas(size=size, show=False).central_widget.add_grid(spacing=spacing)
        grid.size = size
        for place in np.ndindex(shape):
            grid.add_view(*place)
        if ours:
            lay_out_once(grid)
        grid._prepare_draw(None)
        found.append([(*cell.pos, *cell.size) for *_, cell in grid._grid_widgets.values()])
    assert np.allclose(found[1], np.maximum(found[0], 0), rtol=0, atol=1e-6)
    assert (np.array(found[1])[:, 2:] <= size).all()


def test_a_grid_that_is_not_napari_s_is_left_to_vispy(qapp):
    placed = []
    for ours in (False, True):
        grid: Grid = SceneCanvas(size=(400, 300), show=False).central_widget.add_grid()
        grid.size = (400, 300)
        wide, narrow = grid.add_view(0, 0, col_span=2), grid.add_view(1, 0)
        narrow.width_max = 50
        if ours:
            lay_out_once(grid)
        grid._prepare_draw(None)
        placed.append([(*cell.pos, *cell.size) for cell in (wide, narrow)])
    assert placed[0] == placed[1]


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    for i in range(6):
        viewer.add_image(np.full((8, 8), i / 6), name=str(i), contrast_limits=(0, 1))
    return viewer


def show(viewer, shape: tuple[int, int], *indices: int) -> np.ndarray:
    with at_once(viewer):
        viewer.canvas.grid.enabled, viewer.canvas.grid.shape = True, shape
        for i, layer in enumerate(viewer.layers):
            layer.visible = i in indices
    viewer.screenshot(canvas_only=True, flash=False)  # napari sizes the cells of a new grid while it paints
    return viewer.screenshot(canvas_only=True, flash=False)


def test_another_shape_makes_no_cell_anew(viewer):
    canvas = viewer.window._qt_viewer.canvas
    show(viewer, (2, 3), *range(6))
    cells, cameras = list(canvas.grid_views), list(canvas.grid_cameras)
    where = {i: canvas.layer_to_visual[layer].node.parent for i, layer in enumerate(viewer.layers)}
    show(viewer, (1, 2), 4, 5)
    assert set(canvas.grid_views) == {view for view in cells if view.scene in (where[4], where[5])}
    assert [view.visible for view in cells].count(True) == 2
    assert canvas.layer_to_visual[viewer.layers[4]].node.parent is where[4], "its cell has moved, with all in it"
    show(viewer, (6, 1), *range(6))
    assert set(canvas.grid_views) == set(cells) and set(canvas.grid_cameras) == set(cameras)
    assert canvas.grid.grid_size == (6, 1)
    show(viewer, (2, 4), *range(6))
    assert len(set(canvas.grid_views)) == 8 and set(cells) <= set(canvas.grid_views)


def test_what_is_seen_does_not_depend_on_what_was_seen_before(viewer):
    looks = [((2, 3), range(6)), ((1, 2), (4, 5)), ((3, 1), (5, 0, 2)), ((2, 4), range(6)), ((1, 1), (3,))]
    first = [show(viewer, shape, *shown) for shape, shown in looks]
    again = {i: show(viewer, looks[i][0], *looks[i][1]) for i in (4, 1, 3, 0, 2)}
    for i, seen in again.items():
        assert np.array_equal(seen, first[i]), looks[i]
    assert len({seen.tobytes() for seen in first}) == len(looks)


def test_a_cell_that_was_left_out_looks_where_the_others_look(viewer):
    show(viewer, (2, 3), *range(6))
    before = show(viewer, (1, 1), 0)
    centre, zoom = viewer.scene.camera.center, viewer.scene.camera.zoom
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0.0, 1.0, 2.0), zoom * 1.7
    show(viewer, (2, 3), *range(6))
    canvas = viewer.window._qt_viewer.canvas
    assert all(np.allclose(camera.center, (0.0, 1.0, 2.0)) for camera in canvas.grid_cameras)
    assert all(np.isclose(camera.zoom, viewer.scene.camera.zoom) for camera in canvas.grid_cameras)
    viewer.scene.camera.center, viewer.scene.camera.zoom = centre, zoom
    assert np.array_equal(show(viewer, (1, 1), 0), before)


def test_a_press_of_the_mouse_reaches_no_cell_that_was_left_out(viewer):
    show(viewer, (2, 3), *range(6))
    show(viewer, (1, 2), 0, 1)
    canvas = viewer.window._qt_viewer.canvas
    width, height = canvas._scene_canvas.size
    for x in (0.2, 0.8):
        hit = canvas._scene_canvas.visual_at((x * width, height / 2))
        assert hit in canvas.grid_views

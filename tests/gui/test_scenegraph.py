"""The canvas is arranged once for many changes, and as napari would."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mlpatch.gui.plumbing.scenegraph import at_once, count_cells_once


@pytest.mark.parametrize("stride", [1, 2, -1, -3])
@pytest.mark.parametrize("shape", [(-1, -1), (2, 3), (1, 2)])
def test_cells_are_counted_as_napari_counts_them(stride, shape):
    viewer, random = ViewerModel(), np.random.default_rng(0)
    for _ in range(7):
        viewer.add_image(np.zeros((4, 4)))
    grid = viewer.canvas.grid
    grid.stride, grid.shape = stride, shape
    own = type(grid).iter_viewboxes
    count_cells_once(viewer)
    for enabled in (False, True):
        grid.enabled = enabled
        for _ in range(6):
            for layer in viewer.layers:
                layer.visible = bool(random.integers(2))
            assert list(grid.iter_viewboxes(viewer.layers)) == list(own(grid, viewer.layers))


def test_each_cell_has_a_camera_where_a_bar_is_switched_on_meanwhile(make_napari_viewer):
    viewer = make_napari_viewer()
    for _ in range(4):
        viewer.add_image(np.zeros((4, 4)))
    canvas, grid = viewer.window._qt_viewer.canvas, viewer.canvas.grid
    for shape in ((2, 2), (1, 4)):
        with at_once(viewer):
            grid.shape, grid.enabled = shape, True
            for layer in viewer.layers:
                layer.colorbar.visible = not layer.colorbar.visible
                layer.name_overlay.visible = True
        assert len(canvas.grid_cameras) == 4 and canvas.grid.grid_size == shape
        scenes = {canvas.layer_to_visual[layer].node.parent for layer in viewer.layers}
        assert scenes == {camera._view.scene for camera in canvas.grid_cameras}, "each picture in a cell with a camera"


def test_the_canvas_is_arranged_once(make_napari_viewer, monkeypatch):
    viewer = make_napari_viewer()
    for _ in range(5):
        viewer.add_image(np.zeros((4, 4)))
    canvas = viewer.window._qt_viewer.canvas
    arranged, own = [], type(canvas)._setup_layer_views_in_grid
    monkeypatch.setattr(type(canvas), "_setup_layer_views_in_grid", lambda self: arranged.append(1) or own(self))
    with at_once(viewer):
        viewer.canvas.grid.enabled = True
        for layer in viewer.layers:
            layer.visible = not layer.visible
            layer.visible = True
            layer.name_overlay.visible = True
        with at_once(viewer):
            viewer.layers[0].visible = False
    assert len(arranged) == 1
    with at_once(viewer):
        viewer.layers[1].visible = True
    assert len(arranged) == 1, "nothing has changed"
    parents = {canvas.layer_to_visual[layer].node.parent for layer in viewer.layers[1:]}
    assert len(parents) == 4, "each in its cell"
    last = viewer.layers[-1]
    with at_once(viewer):
        viewer.canvas.grid.enabled = False
        last.name_overlay.position = "bottom_right"
    placed = canvas._layer_overlay_to_visual[last][last.name_overlay].node.transform.translate
    assert (placed[:2] > 0).all(), "captions are placed at once, not when somebody else lets the canvas be painted"

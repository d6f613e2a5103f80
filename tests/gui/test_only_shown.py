"""What leaves hidden pictures alone shows the same as napari, which does not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from napari._vispy.overlays import base
from napari.layers import Image
from vispy.scene.visuals import Rectangle

from napari_mlpatch.gui.plumbing import shade
from napari_mlpatch.gui.plumbing.only_shown import Fresh, only_shown
from napari_mlpatch.gui.plumbing.programs import compile_once
from napari_mlpatch.gui.plumbing.scenegraph import at_once
from napari_mlpatch.gui.plumbing.shade import light_boxes


def walk(viewer, show) -> list[np.ndarray]:
    """Screenshots after each of many changes of grid, layers and captions."""
    random, seen = np.random.default_rng(0), []

    def look(twice: bool = False) -> None:
        if twice:  # napari sizes the cells of a new grid while it paints
            viewer.screenshot(canvas_only=True, flash=False)
        seen.append(viewer.screenshot(canvas_only=True, flash=False))

    for name in ("one", "two", "three", "four"):
        viewer.add_image(random.random((8, 8)), name=name, visible=name != "four")
    layers, grid = list(viewer.layers), viewer.canvas.grid
    for layer in layers:
        layer.name_overlay.visible = True
    viewer.reset_view()
    grid.shape = (-1, -1)
    grid.enabled = True
    look(twice=True)
    with at_once(viewer):
        for layer in layers[1:]:
            show(layer, False)
        grid.enabled = False
    look()
    layers[0].name_overlay.position = "top_right"
    layers[1].name, layers[2].name_overlay.font_size = "another name", 14
    layers[3].data = random.random((8, 8))
    layers[2].data[:4] = 0
    layers[2].refresh()
    viewer.scene.camera.zoom *= 1.5
    with at_once(viewer):
        for layer in layers:
            show(layer, True)
        grid.enabled = True
    look(twice=True)
    show(layers[1], False)
    look()
    show(layers[1], True)
    show(layers[0], False)
    look()
    show(layers[0], True)
    show(layers[1], False)
    grid.shape = (1, 4)
    show(layers[1], True)
    viewer.layers.move(3, 0)
    look(twice=True)
    layers[2].name_overlay.visible = False
    show(layers[2], False)
    show(layers[2], True)
    layers[2].name_overlay.visible = True  # while its layer is there already: its box is to come with it
    layers[2].name_overlay.position = "bottom_left"
    look()
    viewer.layers.remove(layers[0])
    grid.enabled = False
    show(layers[1], False)
    show(layers[2], False)
    look()
    return seen


def test_the_canvas_looks_as_napari_shows_it(make_napari_viewer, qtbot, monkeypatch):
    compile_once()
    monkeypatch.setattr(base, "Rectangle", Rectangle)
    monkeypatch.setattr(shade, "WIDER", 1.0)  # the one thing in which ours is to differ
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((4, 4)))
    qtbot.wait(1)  # the window is laid out
    viewer.layers.clear()
    expected = walk(viewer, lambda layer, visible: setattr(layer, "visible", visible))
    viewer.layers.clear()
    only_shown(viewer)
    light_boxes()
    for i, (ours, theirs) in enumerate(zip(walk(viewer, Fresh().show), expected, strict=True)):
        assert np.array_equal(ours, theirs), f"after change {i}"
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(expected))


@pytest.fixture
def layer():
    return Image(np.zeros((4, 4)))


def test_a_layer_that_has_not_changed_is_not_sliced_again(layer):
    fresh, sliced = Fresh(), []
    layer.events.set_data.connect(lambda event: sliced.append(1))
    fresh.show(layer, False)
    fresh.show(layer, True)
    assert len(sliced) == 1, "nobody knows what happened before"
    fresh.show(layer, False)
    fresh.show(layer, True)
    assert len(sliced) == 1


def test_what_changed_while_a_layer_was_hidden_is_shown(layer):
    fresh = Fresh()
    for visible in (False, True, False):
        fresh.show(layer, visible)
    layer.data[:] = 1
    layer.refresh()
    fresh.show(layer, True)
    assert (layer._slice.image.view == 1).all()
    fresh.show(layer, False)
    layer.data = np.full((4, 4), 2.0)
    fresh.show(layer, True)
    assert (layer._slice.image.view == 2).all()


def test_cells_of_a_hidden_grid_catch_up_when_it_is_shown(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    for name in ("one", "two"):
        viewer.add_image(np.zeros((8, 8)), name=name)
    canvas, grid = viewer.window._qt_viewer.canvas, viewer.canvas.grid
    grid.enabled = True
    viewer.screenshot(canvas_only=True, flash=False)
    cells = list(canvas.grid_cameras)
    before = cells[0].center
    with at_once(viewer):
        grid.enabled = False
    viewer.scene.camera.center = (2.0, 3.0)
    assert cells[0].center == before, "while nobody sees it"
    with at_once(viewer):
        grid.enabled = True
    assert [camera.center for camera in canvas.grid_cameras] == [(0.0, 2.0, 3.0)] * 2


def test_a_hidden_layer_learns_what_is_in_view_when_it_is_shown(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    first, second = (viewer.add_image(np.zeros((8, 8)), visible=i == 0) for i in range(2))
    viewer.screenshot(canvas_only=True, flash=False)
    viewer.scene.camera.zoom *= 4
    viewer.screenshot(canvas_only=True, flash=False)
    assert first.scale_factor != second.scale_factor
    second.visible = True
    assert first.scale_factor == second.scale_factor
    assert np.array_equal(first.corner_pixels, second.corner_pixels)

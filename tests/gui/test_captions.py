"""Captions that are drawn together look as napari draws each."""

from __future__ import annotations

import gc
import itertools
import weakref

import numpy as np
import pytest
from napari._vispy.overlays import base
from napari.layers import Image
from napari.layers.base._base_constants import Blending
from vispy.scene.visuals import Rectangle

from napari_mlpatch.gui.plumbing import shade
from napari_mlpatch.gui.plumbing.captions import Caption
from napari_mlpatch.gui.plumbing.only_shown import only_shown
from napari_mlpatch.gui.plumbing.scenegraph import at_once

LONG = "a name that is too long for any cell of a grid, and for the canvas itself " * 4


def picture(viewer) -> np.ndarray:
    viewer.screenshot(canvas_only=True, flash=False)  # napari sizes the cells of a new grid while it paints
    return viewer.screenshot(canvas_only=True, flash=False)


def populated(viewer, count: int = 4) -> list[Image]:
    random = np.random.default_rng(0)
    layers = [viewer.add_image(random.random((8, 8)), name=f"picture {i}") for i in range(count)]
    for layer in layers:
        layer.name_overlay.visible = True
    viewer.reset_view()
    return layers


def walk(viewer) -> dict[str, np.ndarray]:
    """Screenshots after each change of captions."""
    first, second, third, fourth = populated(viewer)
    grid, seen = viewer.canvas.grid, {}
    grid.enabled = True
    seen["grid"] = picture(viewer)
    first.name, second.name, fourth.name = LONG, "two lines\nof other height, gjpqy", "ÄÖÜ λ² − 31.20 dB, 0.912"
    seen["names"] = picture(viewer)
    for layer, position in zip((first, second, third, fourth), ("bottom_right", "top_center"), strict=False):
        layer.name_overlay.position = position
    seen["positions"] = picture(viewer)
    first.name_overlay.color, second.name_overlay.box_color = "red", "blue"
    third.name_overlay.box, fourth.name_overlay.opacity = False, 0.4
    seen["colours"] = picture(viewer)
    for layer, size in zip((first, second, third), (7, 8.5, 30), strict=False):
        layer.name_overlay.font_size = size
    seen["sizes"] = picture(viewer)
    third.name_overlay.blending = Blending.ADDITIVE
    seen["blending"] = picture(viewer)
    viewer.canvas.overlay_tiling.padding = (20, 4)
    seen["padding"] = picture(viewer)
    viewer.theme = "light"
    seen["theme"] = picture(viewer)
    second.name_overlay.visible = False
    seen["one hidden"] = picture(viewer)
    grid.enabled = False
    seen["one above the other"] = picture(viewer)
    viewer.layers.remove(first)
    seen["one removed"] = picture(viewer)
    viewer.canvas.overlay_tiling.padding = (10, 10)
    viewer.theme = "dark"
    return seen


def test_they_look_as_napari_draws_them(make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr(base, "Rectangle", Rectangle)
    monkeypatch.setattr(shade, "WIDER", 1.0)  # the one thing in which ours is to differ
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((4, 4)))
    qtbot.wait(1)  # the window is laid out
    viewer.layers.clear()
    expected = walk(viewer)
    viewer.layers.clear()
    only_shown(viewer)
    for name, ours in walk(viewer).items():
        assert np.array_equal(ours, expected[name]), name
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(expected.values()))


def test_their_shade_is_a_little_wider_than_napari_makes_it(make_napari_viewer, monkeypatch):
    """Letters on the canvas are wider than those by which napari measures."""
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    (layer,) = populated(viewer, 1)
    layer.name_overlay.box_color = "red"

    def width() -> int:
        return (picture(viewer) == (255, 0, 0, 255)).all(axis=-1).any(axis=0).sum()

    wider = width()
    monkeypatch.setattr(shade, "WIDER", 1.0)
    assert width() < wider <= np.ceil(1.04 * width()) + 1


@pytest.mark.parametrize("count", [1, 5, 12])
def test_two_programs_draw_all_of_them(make_napari_viewer, count):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    layers = populated(viewer, count)
    viewer.canvas.grid.enabled = True
    picture(viewer)
    canvas = viewer.window._qt_viewer.canvas
    made = [canvas._layer_overlay_to_visual[layer][layer.name_overlay] for layer in layers]
    assert all(isinstance(caption, Caption) for caption in made)
    (node,) = [node for node in canvas._scene_canvas.scene.children if type(node).__name__ == "Lines"]
    assert len(node._subvisuals) == 2
    shades, letters = node._subvisuals
    uploaded = []
    for visual in (shades, letters):
        own = visual.set_lines
        visual.unfreeze()
        visual.set_lines = lambda lines, own=own: uploaded.append(1) or own(lines)
    viewer.scene.camera.zoom *= 2
    picture(viewer)
    assert not uploaded, "they stand where they stood"
    layers[0].name = "another"
    picture(viewer)
    assert len(uploaded) == 2


def test_those_of_a_hidden_grid_are_not_on_show(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    first, second = populated(viewer, 2)
    grid = viewer.canvas.grid
    grid.enabled = True
    picture(viewer)
    with at_once(viewer):
        grid.enabled, second.visible = False, False
    alone = picture(viewer)
    viewer.layers.remove(second)
    assert np.array_equal(picture(viewer), alone)
    first.visible = False
    empty = picture(viewer)
    assert (empty == empty[0, 0]).all()


def test_nothing_of_them_outlives_the_canvas(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    populated(viewer, 2)
    picture(viewer)
    canvas = viewer.window._qt_viewer.canvas
    kept = [weakref.ref(visual) for of in canvas._layer_overlay_to_visual.values() for visual in of.values()]
    assert len(kept) == 2
    del canvas
    viewer.close()
    del viewer
    gc.collect()
    assert [ref() for ref in kept] == [None, None]


def test_figures_stand_below_a_name_where_a_cell_has_no_room_for_both_beside_each_other(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    only_shown(viewer)
    layers = populated(viewer, 4)
    layers[0].name, layers[1].name, layers[2].name = "MLPatch-ADMM ct-small: 35.78 dB", "TV: 33.54 dB", LONG
    grid, canvas = viewer.canvas.grid, viewer.window._qt_viewer.canvas
    grid.enabled, grid.shape = True, (2, 2)

    def texts() -> list[str]:
        picture(viewer)
        made = [canvas._layer_overlay_to_visual[layer][layer.name_overlay] for layer in layers]
        return [caption.line(np.zeros(4)).text for caption in made]

    wide = texts()
    assert wide == [layer.name for layer in layers]
    grid.shape = (1, 8)
    assert texts() == ["MLPatch-ADMM ct-small\n35.78 dB", "TV\n33.54 dB", LONG, "picture 3"]
    grid.shape = (2, 2)
    assert texts() == wide

"""Where napari or vispy call their private parts otherwise, the workbench opens and shows pictures as napari does."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
from napari.layers import Image

from napari_mlpatch.gui.plumbing import controls_later, fitted, in_pieces, one_bar, programs, shade
from napari_mlpatch.gui.plumbing.private import module
from tests.gui.test_window import finished, wait_for

PLUMBING = "napari_mlpatch.gui.plumbing"
CAPTIONS = (
    ("napari.components._viewer_constants", "CanvasPosition"),
    ("napari._vispy.utils.gl", "BLENDING_MODES"),
    ("vispy.visuals.text.text", "_text_to_vbo"),
)


def import_anew(monkeypatch) -> None:
    for name in ("captions", "lines_of_text"):
        monkeypatch.delitem(sys.modules, f"{PLUMBING}.{name}", raising=False)


@pytest.mark.parametrize(("where", "name"), CAPTIONS, ids=[name for _, name in CAPTIONS])
def test_captions_are_napari_s_own_where_a_name_is_gone(make_napari_viewer, monkeypatch, where, name):
    from napari_mlpatch.gui.plumbing.only_shown import only_shown, together

    viewer = make_napari_viewer()
    canvas = viewer.window._qt_viewer.canvas
    import_anew(monkeypatch)
    with monkeypatch.context() as without:
        without.delattr(importlib.import_module(where), name)
        assert together(canvas) is None
        only_shown(viewer)
    layers = [viewer.add_image(np.eye(8), name=each) for each in "ab"]
    for layer in layers:
        layer.name_overlay.visible = True
    viewer.canvas.grid.enabled = True
    made = [canvas._layer_overlay_to_visual[layer][layer.name_overlay] for layer in layers]
    assert [type(each).__name__ for each in made] == ["VispyLayerNameOverlay"] * 2


def test_letters_are_measured_by_qt_where_napari_has_no_measure(qapp, monkeypatch):
    texts = ("FBP", "total variation: 31.42 dB", "U-Net\n33.50 dB")
    own = np.array([fitted.measured(text, 10.0, "OpenSans") for text in texts])
    with monkeypatch.context() as without:
        without.delattr("napari._vispy.utils.text.get_text_width_height")
        fitted.measured.cache_clear()
        np.testing.assert_allclose([fitted.measured(text, 10.0, "OpenSans") for text in texts], own, rtol=0.35)
    fitted.measured.cache_clear()


@pytest.fixture
def without(monkeypatch):
    """What this is about is not there."""
    import_anew(monkeypatch)
    monkeypatch.setitem(sys.modules, f"{PLUMBING}.captions", None)  # an import of it raises ImportError
    monkeypatch.setattr(one_bar.colorbar, "ColorBar", one_bar._OWN)  # bars may have been handed over before
    monkeypatch.setattr(one_bar, "_OWN", None)
    for ours, name in ((one_bar, "colorbar"), (shade, "base"), (controls_later, "napari_controls")):
        monkeypatch.setattr(ours, name, None)
    monkeypatch.setattr(programs, "parsing", None)
    monkeypatch.setattr(in_pieces, "module", lambda name: None)


def test_the_workbench_opens_and_shows_a_grid_without_any_of_them(without, simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    dock.run_button.click()
    wait_for(qtbot, lambda: finished(simulated))
    (entry,) = simulated.workbench.entries
    wait_for(qtbot, lambda: simulated.stage.layer_of(entry) is not None)
    simulated.docks["Compare"].bar.actions_of["grid"].trigger()
    viewer = simulated.viewer
    viewer.window._qt_window.show()
    wait_for(qtbot, lambda: viewer.canvas.grid.enabled)
    layer = simulated.stage.layer_of(entry)
    wait_for(qtbot, lambda: layer.visible and layer.name_overlay.visible)
    for _ in range(2):  # napari sizes the cells while it paints
        seen = viewer.screenshot(canvas_only=True, flash=False)
    assert len(np.unique(seen)) > 50, "the picture is seen"
    there = viewer.window._qt_viewer
    caption = there.canvas._layer_overlay_to_visual[layer][layer.name_overlay]
    assert type(caption).__name__ == "VispyLayerNameOverlay"
    assert type(there.controls.widgets) is dict and len(there.controls.widgets) == len(viewer.layers), "by napari"
    other = Image(np.eye(8), name="another")
    assert len(list(in_pieces.adding(viewer, other))) == 1 and viewer.layers.selection.active is other
    assert not controls_later.give(viewer, other, None)


def test_a_module_that_is_no_more():
    assert module("napari._no_such_module") is None and module("napari._vispy.overlays.base") is not None

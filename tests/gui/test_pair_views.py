"""Views of two results: what is in their layers, against numpy; what they leave behind."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox

import napari_mlpatch as mp
from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.compare.sight import above
from tests.gui.mouse import Mouse
from tests.gui.test_window import finished, wait_for

PAIRS = ("wipe", "blink", "difference", "composite", "checkerboard", "lens")
KEYS = {cls.name: getattr(Qt.Key, f"Key_{cls.key}") for cls in views}


@pytest.fixture
def two(simulated, qtbot):
    """A session with two results, the first selected and the other one chosen."""
    workbench, stage = simulated.workbench, simulated.stage
    a = workbench.run(mp.methods.FBP())
    b = workbench.run(mp.methods.Tikhonov(iterations=3))
    wait_for(qtbot, lambda: finished(simulated))
    wait_for(qtbot, lambda: all(stage.layer_of(e) is not None for e in (a, b)))
    workbench.select(a)
    workbench.set_other(b)
    wait_for(qtbot, lambda: not stage._soon.isActive())
    simulated.mouse = Mouse(simulated)
    simulated.two = (a, b)
    return simulated


def choose(session, qtbot, name):
    """By its key, and until it is on show."""
    session.mouse.key(KEYS[name])
    assert session.stage.view.name == name
    settle(session, qtbot)


def settle(session, qtbot):
    results = session.stage.results
    qtbot.wait(1)
    wait_for(qtbot, lambda: not (session.stage._soon.isActive() or results._timer.isActive() or results._wanted))


def seen(session):
    """What is drawn, from the layers: the highest one that is there, but where it is NaN."""
    found = None
    for layer in session.viewer.layers:
        if layer.visible and layer.opacity > 0 and layer.data.ndim == 2:
            found = layer.data if found is None else np.where(np.isnan(layer.data), found, layer.data)
    return found


def pictures(session):
    return [e.frame for e in session.two]


def world(session, row, column):
    return session.workbench.scene.frame.to_world((row, column))


def test_a_wipe_shows_both_pictures_own_values_and_follows_the_mouse(two, qtbot):
    a, b = pictures(two)
    choose(two, qtbot, "wipe")
    rows, columns = a.shape
    np.testing.assert_array_equal(seen(two), np.where(np.arange(columns) < columns // 2, a, b))
    camera = two.mouse.canvas.view.camera
    centre = camera.rect.pos
    two.mouse.drag(world(two, 20, columns / 2 - 0.5), world(two, 22, 30), world(two, 25, 9.6))
    np.testing.assert_array_equal(seen(two), np.where(np.arange(columns) < 10, a, b))
    assert camera.rect.pos == centre, "the line was dragged, not the picture"
    two.mouse.drag(world(two, 20, 40), world(two, 20, 50))
    np.testing.assert_array_equal(seen(two), np.where(np.arange(columns) < 10, a, b))
    assert camera.rect.pos != centre, "away from the line, the picture"

    two.mouse.key(Qt.Key.Key_W)
    settle(two, qtbot)
    edge = round(10 / columns * rows)
    np.testing.assert_array_equal(seen(two), np.where(np.arange(rows)[:, None] < edge, a, b))
    two.mouse.drag(world(two, edge - 0.5, 20), world(two, 40.5, 20))
    np.testing.assert_array_equal(seen(two), np.where(np.arange(rows)[:, None] < 41, a, b))
    choose(two, qtbot, "single")
    choose(two, qtbot, "wipe")
    np.testing.assert_array_equal(seen(two), np.where(np.arange(rows)[:, None] < 41, a, b))
    two.docks["Compare"].bar._panel.click()
    assert two.stage.kept["wipe"]["axis"] == 1


def test_a_blink_has_no_empty_frame(two, qtbot):
    a, b = pictures(two)
    choose(two, qtbot, "blink")
    view = two.stage.view
    np.testing.assert_array_equal(seen(two), a)
    order = []
    base, above = view.layers
    above.events.opacity.connect(lambda: order.append(above.opacity))
    two.docks["Compare"].bar.second.findChild(QDoubleSpinBox).setValue(0.1)
    wait_for(qtbot, lambda: len(order) >= 4)
    assert order[:4] == [1.0, 0.0, 1.0, 0.0]
    assert base.visible and base.opacity == 1.0 and above.visible, "the lower one is always there"
    two.mouse.key(Qt.Key.Key_B)
    assert not view.timer.isActive()
    view.flip()
    np.testing.assert_array_equal(seen(two), b if order[-1] else a)
    two.mouse.key(Qt.Key.Key_B)
    assert view.timer.isActive()
    choose(two, qtbot, "single")
    assert above.opacity == 1.0 and two.stage.kept["blink"]["seconds"] == 0.1


def test_a_difference_is_signed_and_its_limits_symmetric(two, qtbot):
    a, b = pictures(two)
    choose(two, qtbot, "difference")
    layer = two.viewer.layers[-1]
    np.testing.assert_array_equal(layer.data, a - b)
    low, high = layer.contrast_limits
    assert low == -high < 0 and layer.visible
    assert [la for la in two.viewer.layers if la.visible and la.data.ndim == 2] == [layer]
    layer.contrast_limits = (-0.01, 0.01)
    two.stage.show()
    assert tuple(layer.contrast_limits) == (-0.01, 0.01), "what a person sets stays"
    two.workbench.set_other("truth")
    settle(two, qtbot)
    np.testing.assert_array_equal(layer.data, a - two.workbench.scene.truth)
    assert layer.contrast_limits[0] == -layer.contrast_limits[1] != -0.01
    two.stage.set_kind("error")
    wait_for(qtbot, lambda: np.allclose(layer.data, a - two.workbench.scene.truth) and "truth" in layer.name)


def test_a_composite_adds_two_colours_that_are_grey_where_both_agree(two, qtbot):
    a, b = pictures(two)
    choose(two, qtbot, "composite")
    wait_for(qtbot, lambda: "other" in two.stage.view._put)
    below, above = two.stage.view._put.values()
    np.testing.assert_array_equal(below.data, a)
    np.testing.assert_array_equal(above.data, b)
    assert tuple(below.contrast_limits) == tuple(above.contrast_limits) == two.workbench.scene.limits
    colours = below.colormap.map(np.linspace(0, 1, 5)) + above.colormap.map(np.linspace(0, 1, 5))
    np.testing.assert_allclose(colours[:, :3], np.linspace(0, 1, 5)[:, None].repeat(3, 1), atol=0.01)
    assert above.blending == "additive"
    below.contrast_limits = (0.1, 0.2)
    assert tuple(above.contrast_limits) == (0.1, 0.2), "one contrast"
    assert (below.colormap.name, above.colormap.name) == ("green", "magenta")


def test_a_checkerboard_takes_squares_in_turn_and_a_lens_follows_the_cursor(two, qtbot):
    a, b = pictures(two)
    choose(two, qtbot, "checkerboard")
    rows, columns = np.indices(a.shape)
    for squares, side in ((8, 8), (13, 5), (64, 1)):
        two.docks["Compare"].bar.second.findChild(QSpinBox).setValue(squares)
        np.testing.assert_array_equal(seen(two), np.where((rows // side + columns // side) % 2 == 0, a, b))

    choose(two, qtbot, "lens")
    two.docks["Compare"].bar.second.findChild(QSpinBox).setValue(20)
    for row, column in ((30, 20), (10.5, 50), (60, 63)):
        two.mouse.move(world(two, row, column))
        # within a pixel of the screen
        wait_for(qtbot, lambda at=(row, column): np.allclose(two.stage.kept["lens"].get("centre", 0), at, atol=0.5))
        centre = two.stage.kept["lens"]["centre"]
        inside = np.hypot(rows - centre[0], columns - centre[1]) <= 0.2 * 64
        np.testing.assert_array_equal(seen(two), np.where(inside, b, a))


def test_what_a_view_puts_on_the_canvas_goes_with_it(two, qtbot):
    viewer, stage = two.viewer, two.stage
    choose(two, qtbot, "single")

    def state():
        drawn = [type(node).__name__ for node in two.mouse.canvas.view.scene.children]
        calls = len(viewer.mouse_move_callbacks), len(viewer.mouse_drag_callbacks)
        named = {la: la.visible and la.name_overlay.visible for la in viewer.layers}
        overlays = {la: (la.visible, named[la], la.name_overlay.position, la.opacity) for la in viewer.layers}
        return set(viewer.layers), calls, sorted(drawn), overlays, stage.words.text

    before = state()
    a, b = two.two
    for name in PAIRS:
        choose(two, qtbot, name)
        for selected, other in ((b, a), (a, "truth"), (a, b)):
            two.workbench.select(selected)
            two.workbench.set_other(other)
            settle(two, qtbot)
        choose(two, qtbot, "single")
        wait_for(qtbot, lambda: not stage.own_layers.spare)
        assert state() == before, name


def test_switching_between_views_makes_no_layer_and_keeps_the_camera(two, qtbot):
    camera = two.viewer.scene.camera
    choose(two, qtbot, "wipe")
    own = two.stage.view.layer
    camera.zoom *= 2.5
    camera.center = (0.0, *world(two, 20, 30))
    zoom, centre = camera.zoom, camera.center

    for name in ("difference", "lens", "checkerboard"):
        choose(two, qtbot, name)
        assert own in two.stage.view._put.values() and own.visible
        assert (camera.zoom, camera.center) == (zoom, centre)
    choose(two, qtbot, "grid")
    cell = two.viewer.canvas.grid.shape
    assert camera.center[2] == centre[2] and camera.zoom < zoom and max(cell) > 1
    choose(two, qtbot, "single")
    assert camera.center == pytest.approx(centre) and camera.zoom == pytest.approx(zoom)
    two.stage.fit()
    for name in ("grid", "single"):  # from one that fills the canvas to pictures that fill their cells
        choose(two, qtbot, name)
        layer = next(la for la in two.viewer.layers if la.visible)
        (width, height), (rows, columns) = two.stage.room(), cell if name == "grid" else (1, 1)
        height = (height - (rows - 1) * 0.01 * (width / columns + height / rows)) / rows
        side, first = layer.data.shape[0] * layer.scale[0] * camera.zoom, layer.translate[0] - layer.scale[0] / 2
        top = height / 2 + (first - camera.center[1]) * camera.zoom
        caption = above(layer.name_overlay.font_size)
        assert caption - 1 <= top <= caption + 20, "just below its caption"
        assert top + side <= height + 1


def test_every_view_says_what_it_lacks(session, simulated, qtbot):
    simulated.mouse = Mouse(simulated)
    stage, workbench = simulated.stage, simulated.workbench
    for name in PAIRS:
        choose(simulated, qtbot, name)
        assert "No result yet" in stage.words.text and any(la.visible for la in simulated.viewer.layers), name
    entry = workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(simulated))
    scene = workbench.scene
    scene.problem.__dict__["truth"] = None
    workbench.selection_changed.emit()
    for name in PAIRS:
        choose(simulated, qtbot, name)
        assert "Only one picture" in stage.words.text
        np.testing.assert_array_equal(seen(simulated), entry.frame)
    workbench.select(None)
    settle(simulated, qtbot)
    assert "Select a result" in stage.words.text
    workbench.remove(entry)
    settle(simulated, qtbot)
    assert "No result yet" in stage.words.text
    choose(simulated, qtbot, "single")
    assert stage.words.text == ""


def test_results_may_run_go_and_be_of_another_problem(two, qtbot):
    stage, workbench = two.stage, two.workbench
    running = workbench.run(mp.methods.TV(iterations=100_000, tolerance=0.0))
    wait_for(qtbot, lambda: running.job.k > 2)
    for name in PAIRS:
        choose(two, qtbot, name)
        for selected, other in ((running, two.two[1]), (two.two[1], running)):
            workbench.select(selected)
            workbench.set_other(other)
            k = running.job.k
            wait_for(qtbot, lambda k=k: running.job.k > k + 1)
            settle(two, qtbot)
            assert stage.words.text == "" and seen(two) is not None, name
        stage.set_kind("residual")
        settle(two, qtbot)
        assert "before it has ended" in stage.words.text and seen(two) is not None, name
        stage.set_kind("picture")
    workbench.queue.cancel(running.job)
    wait_for(qtbot, lambda: not running.job.active)
    workbench.remove(two.two[1])
    settle(two, qtbot)
    assert seen(two) is not None
    page, scene = two.docks["Problem"].simulated, workbench.scene
    page.operator_form.set_values({"angles_deg": "0:180:20"})
    page.simulate.click()
    wait_for(qtbot, lambda: workbench.scene is not scene)
    settle(two, qtbot)
    assert seen(two) is not None and stage.words.text == ""

"""A layer's controls are made when it is chosen."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.layers import Image
from napari.settings import get_settings
from qtpy.QtCore import QCoreApplication, QEvent, Qt, QTimer

from napari_mlpatch.gui.plumbing import in_pieces
from napari_mlpatch.gui.plumbing.controls_later import REST_MS, controls_ahead, controls_later, give
from napari_mlpatch.gui.plumbing.in_pieces import adding


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4, 4)), name="before")
    controls_later(viewer)
    viewer.layers._activate_on_insert = False
    yield viewer
    viewer.layers._activate_on_insert = True


def chosen(viewer):
    return viewer.window._qt_viewer.controls.currentWidget()


def wait_for(viewer, layer, qtbot) -> None:
    qtbot.waitUntil(lambda: getattr(chosen(viewer), "layer", None) is layer, timeout=60_000)


def timers(container):
    """That of ``controls_later``; napari's are of its widgets."""
    options = Qt.FindChildOption.FindDirectChildrenOnly
    return [timer for timer in container.findChildren(QTimer, options=options) if timer.interval() == REST_MS]


def test_they_are_made_once_for_the_layer_that_is_chosen(viewer, qtbot):
    container = viewer.window._qt_viewer.controls
    one = viewer.add_image(np.zeros((4, 4)), opacity=0.25)
    two = viewer.add_points(np.zeros((1, 2)))
    assert [layer.name for layer in container.widgets] == ["before"]
    for layer in (one, two, one):
        viewer.layers.selection.active = layer
        wait_for(viewer, layer, qtbot)
    assert list(container.widgets) == [viewer.layers["before"], one, two] and container.count() == 4
    slider = chosen(viewer)._opacity_blending_controls.opacity_slider
    assert slider.value() == pytest.approx(0.25)
    slider.setValue(0.5)
    assert one.opacity == pytest.approx(0.5)
    one.opacity = 0.75
    assert slider.value() == pytest.approx(0.75)


def test_the_window_answers_between_the_choice_and_the_controls(viewer, qtbot):
    layer = viewer.add_image(np.zeros((4, 4)))
    viewer.layers.selection.active = layer
    assert layer not in viewer.window._qt_viewer.controls.widgets
    wait_for(viewer, layer, qtbot)


def test_a_layer_that_is_removed_before_it_was_chosen_leaves_nothing(viewer, qtbot):
    container = viewer.window._qt_viewer.controls
    layer = viewer.add_image(np.zeros((4, 4)))
    viewer.layers.remove(layer)
    layer = viewer.add_image(np.zeros((4, 4)))
    viewer.layers.selection.active = layer
    viewer.layers.remove(layer)  # chosen, but its controls are not there yet
    (timer,) = timers(container)
    assert timer.isActive()
    qtbot.waitUntil(lambda: not timer.isActive(), timeout=60_000)
    assert len(container.widgets) == 1 and container.count() == 2
    layer = viewer.add_image(np.zeros((4, 4)))
    viewer.layers.selection.active = layer
    wait_for(viewer, layer, qtbot)
    viewer.layers.remove(layer)
    assert len(container.widgets) == 1


def test_controls_that_were_made_elsewhere_are_taken(viewer, qtbot):
    container = viewer.window._qt_viewer.controls
    layer = Image(np.zeros((4, 4)))
    for _ in adding(viewer, layer):
        qtbot.wait(1)
    wait_for(viewer, layer, qtbot)
    assert list(container.widgets) == [viewer.layers["before"], layer] and container.count() == 3
    made = chosen(viewer)
    assert not give(viewer, layer, made), "they are there already"
    viewer.layers.remove(layer)
    assert len(container.widgets) == 1 and container.count() == 2


@pytest.fixture
def one_panel(monkeypatch):
    """napari's experimental setting, which is off."""
    experimental = get_settings().experimental
    monkeypatch.setattr(experimental, "dynamic_layer_controls", False)
    return lambda: monkeypatch.setattr(experimental, "dynamic_layer_controls", True)


def test_where_napari_makes_one_panel_none_are_made_for_a_layer(viewer, qtbot, one_panel, monkeypatch):
    one_panel()
    made, own = [], in_pieces._function
    monkeypatch.setattr(in_pieces, "_function", lambda place: made.append(place) or own(place))
    container, layer = viewer.window._qt_viewer.controls, Image(np.zeros((4, 4)))
    before = container.count()
    for _ in adding(viewer, layer):
        qtbot.wait(1)
    qtbot.waitUntil(
        lambda: container.panel is not None and container.currentWidget() is container.panel, timeout=60_000
    )
    assert made == [in_pieces.VISUAL] and [layer.name for layer in container.widgets] == ["before"]
    assert container.count() == before + 1
    assert not give(viewer, layer, container.empty_widget), "napari would never take them away"
    viewer.layers.remove(layer)
    assert layer not in container.widgets


@pytest.mark.parametrize("when", [1, 4])
def test_controls_that_were_made_before_the_panel_was_wanted_go_with_their_layer(viewer, qtbot, one_panel, when):
    """Also those on their way, and those that were handed over."""
    container, layer = viewer.window._qt_viewer.controls, Image(np.zeros((4, 4)))
    old, gone, steps = viewer.layers["before"], [], adding(viewer, layer)
    container.widgets[old].destroyed.connect(lambda: gone.append("before"))
    for _ in range(when):
        next(steps)
    one_panel()
    for _ in steps:
        qtbot.wait(1)
    viewer.layers.remove(layer)
    viewer.layers.remove(old)
    qtbot.waitUntil(lambda: not timers(container)[0].isActive(), timeout=60_000)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert gone == ["before"] and len(container.widgets) == 0 and container.count() == 1
    assert container.currentWidget() is container.empty_widget


def test_several_layers_have_the_controls_that_they_share(viewer, qtbot):
    one, two = (viewer.add_image(np.zeros((4, 4))) for _ in range(2))
    viewer.layers.selection.update((one, two))
    container = viewer.window._qt_viewer.controls
    assert container.panel is not None and container.currentWidget() is container.panel
    viewer.layers.selection.active = two
    wait_for(viewer, two, qtbot)
    viewer.layers.selection.clear()
    assert chosen(viewer) is container.empty_widget


def test_they_know_that_there_are_three_dimensions(viewer, qtbot):
    layer = viewer.add_image(np.zeros((4, 4, 4)))
    viewer.dims.ndisplay = 3
    viewer.layers.selection.active = layer
    wait_for(viewer, layer, qtbot)
    assert chosen(viewer).ndisplay == 3
    viewer.dims.ndisplay = 2
    assert chosen(viewer).ndisplay == 2


def test_a_first_layer_finds_the_dock_as_wide_as_it_will_be(make_napari_viewer, qtbot):
    widths = {}
    for ahead in (True, False):
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_window.resize(1000, 700)
        controls_later(viewer)
        if ahead:
            controls_ahead(viewer)
            qtbot.wait(1)
        container = viewer.window._qt_viewer.controls
        before = container.minimumSizeHint().width()
        layer = viewer.add_image(np.zeros((4, 4)))
        widths[ahead] = [before, container.minimumSizeHint().width()]
        wait_for(viewer, layer, qtbot)
        widths[ahead].append(container.minimumSizeHint().width())
        assert list(container.widgets) == [layer]
        controls_ahead(viewer)
        assert container.count() == 3 - (not ahead)
    assert len(set(widths[True])) == 1 and widths[False][1] == widths[False][2] == widths[True][0]


def test_the_window_goes_with_all_of_them(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    controls_later(viewer)
    controls_ahead(viewer)
    viewer.add_image(np.zeros((4, 4)))
    gone = weakref.ref(viewer.window._qt_viewer.controls)
    viewer.close()
    controls_ahead(viewer)  # as a timer does that the closed window has left
    del viewer
    qtbot.waitUntil(lambda: gc.collect() >= 0 and gone() is None, timeout=60_000)

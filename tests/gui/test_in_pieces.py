"""A layer that comes onto the canvas in pieces is the one that napari would have made at once."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt import qt_viewer
from napari._qt.layer_controls import qt_layer_controls_container as container
from napari.layers import Image
from qtpy.QtCore import QCoreApplication, QEvent

from napari_mlpatch.gui.plumbing.in_pieces import Steps, adding
from tests.gui.test_window import wait_for


@pytest.fixture
def made(monkeypatch):
    """What napari's own functions have made, in order."""
    found = []

    def noting(own):
        def function(*args, **more):
            found.append(own(*args, **more))
            return found[-1]

        return function

    monkeypatch.setattr(container, "create_qt_layer_controls", noting(container.create_qt_layer_controls))
    monkeypatch.setattr(qt_viewer, "create_vispy_layer", noting(qt_viewer.create_vispy_layer))
    return found


def image(name="volume"):
    return Image(np.random.default_rng(0).random((4, 20, 24)).astype(np.float32), name=name, contrast_limits=(0, 1))


def test_its_widgets_and_its_visual_are_made_before_it_is_there(make_napari_viewer, made):
    viewer, layer, own = make_napari_viewer(), image(), container.create_qt_layer_controls
    viewer.add_image(np.zeros((20, 24)))
    made.clear()
    steps = adding(viewer, layer)
    counts = []
    while layer not in viewer.layers:
        counts.append(len(made))
        next(steps)
    assert counts == [0, 1, 1, 2], "each in a step of its own, and nothing is made with the layer"
    assert viewer.layers.selection.active is not layer
    assert list(steps) == [] and viewer.layers.selection.active is layer
    widgets, visual = made
    there = viewer.window._qt_viewer
    assert len(made) == 2 and there.controls.widgets[layer] is widgets and there.controls.currentWidget() is widgets
    assert there.canvas.layer_to_visual[layer] is visual and container.create_qt_layer_controls is own
    viewer.dims.set_current_step(0, 2)
    np.testing.assert_array_equal(visual.node._data, layer.data[2])
    viewer.layers.remove(layer)
    assert layer not in there.controls.widgets


@pytest.mark.parametrize("after", [1, 2, 3])
def test_left_alone_nothing_stays(after, make_napari_viewer, made):
    viewer, layer = make_napari_viewer(), image()
    steps = adding(viewer, layer)
    for _ in range(after):
        next(steps)
    gone = []
    made[0].destroyed.connect(lambda: gone.append(True))
    steps.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert gone and layer not in viewer.layers
    heard = [back for emitter in layer.events.emitters.values() for back in emitter.callbacks]
    assert not any(isinstance(back, tuple) and back[0]() is made[-1] for back in heard)


def test_sliders_of_more_axes_are_there_in_the_end(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((20, 24)))
    sliders, layer = viewer.window._qt_viewer.dims, image()
    seen = []
    for _ in adding(viewer, layer):
        seen.append((layer in viewer.layers, sliders.isVisible()))
    assert (True, False) in seen and (False, False) not in seen, "hidden while they are made"
    assert sliders.isVisible() and sliders.slider_widgets[0].isVisible() and sliders.minimumHeight() > 0
    steps = adding(viewer, image("second"))
    assert all(sliders.isVisible() for _ in steps), "there are some: they stay"


def test_the_others_that_are_added_meanwhile_are_themselves(make_napari_viewer, made):
    viewer, first, second = make_napari_viewer(), image("first"), image("second")
    steps = adding(viewer, first)
    next(steps)
    viewer.add_layer(second)
    list(steps)
    controls = viewer.window._qt_viewer.controls.widgets
    assert [layer.name for layer in viewer.layers] == ["second", "first"] and controls[first] is not controls[second]


def test_one_after_the_other_each_in_a_round_of_events(make_napari_viewer, qtbot):
    viewer, order = make_napari_viewer(), []

    def counting(name):
        for k in range(3):
            order.append((name, k))
            yield

    def wrong():
        yield
        raise ValueError("broken")

    steps = Steps(viewer.window._qt_window)
    steps.take(counting("a"))
    with qtbot.capture_exceptions() as raised:
        steps.take(wrong())
        steps.take(counting("b"))
        assert order == [], "not in this round"
        wait_for(qtbot, lambda: len(order) == 6)
    assert [name for name, _ in order] == [*"aaabbb"] and len(raised) == 1

"""Captions stand beside the pictures, not over them, in every view and size of the window."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from napari.layers import Image

import napari_mlpatch as mp

SIZES = ((1600, 1000), (1280, 800), (1024, 700))
HALF = 0.5
"""Of a pixel, for rounding."""


@pytest.fixture
def results(simulated, qtbot):
    """Four results, of names as long as they come."""
    workbench = simulated.workbench
    for method in (mp.methods.FBP(), mp.methods.TV(iterations=2), mp.methods.TV(iterations=3)):
        workbench.run(method)
    workbench.run(mp.methods.Tikhonov(iterations=3))
    qtbot.waitUntil(lambda: all(e.result is not None for e in workbench.entries), timeout=60_000)
    qtbot.waitUntil(lambda: all(simulated.stage.layer_of(e) is not None for e in workbench.entries), timeout=60_000)
    return simulated


def settle(session, qtbot):
    """Nothing is to come any more: no layer, no picture, no other size."""
    stage = session.stage
    timers = (stage._soon, stage._bars_soon, stage._fit_soon, stage._sized, stage.results._timer, stage.results._rest)
    qtbot.waitUntil(lambda: not stage.pictures._waiting and not any(t.isActive() for t in timers), timeout=60_000)
    session.viewer.screenshot(flash=False)  # napari places what is on the canvas while it paints


def boxes(session):
    """Of all captions on show, ``(left, top, right, bottom)`` in pixels of the canvas, and of their pictures."""
    canvas = session.viewer.window._qt_viewer.canvas
    captions, pictures = [], []
    for layer in session.viewer.layers:
        if not (isinstance(layer, Image) and layer.visible):
            continue
        node, (rows, columns) = canvas.layer_to_visual[layer].node, layer.data.shape[-2:]
        corners = node.get_transform("visual", "canvas").map([[0, 0, 0, 1], [columns, rows, 0, 1]])
        (left, top), (right, bottom) = (corner[:2] / corner[3] for corner in corners)
        pictures.append((left, top, right, bottom))
        if layer.name_overlay.visible:
            caption = canvas._layer_overlay_to_visual[layer][layer.name_overlay]
            left, top = caption.line(np.zeros(4)).room[:2] + caption.node.transform.translate[:2]
            captions.append((left, top, left + caption.x_size, top + caption.y_size))
    return captions, pictures


def overlap(a, b):
    return all(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) > HALF for i in (0, 1))


def check(session, what):
    captions, pictures = boxes(session)
    assert captions
    for caption in captions:
        assert not any(overlap(caption, picture) for picture in pictures), what
    assert not any(overlap(a, b) for a, b in itertools.combinations(captions, 2)), what


@pytest.mark.parametrize("view", ["single", "grid", "wipe", "lens", "difference"])
def test_no_caption_lies_over_a_picture_or_another_caption(results, qtbot, view):
    stage, window = results.stage, results.viewer.window._qt_window
    window.show()
    for size in SIZES:
        window.resize(*size)
        stage.set_view(view)
        for kind in stage.kinds():
            stage.set_kind(kind)
            settle(results, qtbot)
            stage.fit()
            settle(results, qtbot)
            check(results, (size, kind))


def test_pictures_make_room_for_a_caption_that_grows(results, qtbot):
    """Two to nine cells, as they are ticked one after the other, without fitting them anew."""
    stage, workbench, window = results.stage, results.workbench, results.viewer.window._qt_window
    window.resize(1600, 1000)
    window.show()
    for entry in workbench.entries[1:]:
        workbench.set_shown(entry, False)
    stage.set_view("grid")
    settle(results, qtbot)
    check(results, 2)
    for entry in workbench.entries[1:]:
        workbench.set_shown(entry, True)
        settle(results, qtbot)
        check(results, entry.title)
    for _ in range(2):
        stage.set_kind("residual" if stage.kind == "picture" else "picture")
        settle(results, qtbot)
        check(results, stage.kind)
    for count in (6, 7, 8):
        workbench.run(mp.methods.TV(weight=0.0123 * count, iterations=2))
        qtbot.waitUntil(lambda: not any(e.job.active for e in workbench.entries), timeout=60_000)
        settle(results, qtbot)
        check(results, count)


def test_pictures_keep_their_part_of_a_window_that_is_made_smaller(results, qtbot):
    stage, window = results.stage, results.viewer.window._qt_window
    window.resize(1600, 1000)
    window.show()
    stage.set_view("grid")
    settle(results, qtbot)
    stage.fit()
    for size in SIZES[1:]:
        window.resize(*size)
        qtbot.waitUntil(lambda: stage._sized.isActive(), timeout=60_000)
        settle(results, qtbot)
        check(results, size)
        canvas = stage.room()
        assert all(box[0] > -1 and box[2] < canvas[0] + 1 for box in boxes(results)[1]), size

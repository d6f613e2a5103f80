"""The canvas's painting is held back, and what was painted before stays on show."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication

from napari_mlpatch.gui.plumbing.paint_after import PaintAfter


@pytest.fixture
def viewer(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.arange(4096, dtype=np.float32).reshape(64, 64))
    qtbot.waitUntil(lambda: len(on_screen(viewer)) > 2, timeout=60_000)
    return viewer


def on_screen(viewer):
    """The shades of grey in the middle of the canvas, as they stand on the screen."""
    native, window = viewer.window._qt_viewer.canvas.native, viewer.window._qt_window
    QApplication.processEvents()
    image = window.screen().grabWindow(window.winId()).toImage()
    corner = native.mapTo(window, native.rect().center())
    image = image.copy(corner.x() - 40, corner.y() - 40, 80, 80).convertToFormat(QImage.Format.Format_Grayscale8)
    return {image.pixelColor(x, y).value() for x in range(0, 80, 4) for y in range(0, 80, 4)}


def test_one_painting_for_many_changes(viewer, qtbot):
    scene, drawn = viewer.window._qt_viewer.canvas._scene_canvas, []
    painting = PaintAfter(viewer)
    QApplication.processEvents()
    scene.events.draw.connect(lambda event: drawn.append(1))
    painting.hold()
    for _ in range(5):
        scene.update()
    assert not drawn
    qtbot.waitUntil(lambda: bool(drawn), timeout=60_000)
    assert len(drawn) == 1
    scene.update()
    qtbot.waitUntil(lambda: len(drawn) == 2, timeout=60_000)


def test_what_is_not_on_show_is_not_painted_and_what_waits_still_is(viewer, qtbot):
    scene, drawn = viewer.window._qt_viewer.canvas._scene_canvas, []
    painting = PaintAfter(viewer)
    QApplication.processEvents()
    scene.events.draw.connect(lambda event: drawn.append(1))
    with painting.needless():
        scene.update()
    QApplication.processEvents()
    assert not drawn
    scene.update()
    with painting.needless():
        scene.update()
    qtbot.waitUntil(lambda: len(drawn) == 1, timeout=60_000)
    painting.hold()
    with painting.needless():
        scene.update()
    qtbot.waitUntil(lambda: len(drawn) == 2, timeout=60_000)


def test_no_hole_while_it_waits(viewer, qtbot):
    painting, before = PaintAfter(viewer), on_screen(viewer)
    for _ in range(5):
        painting.hold()
        viewer.window._qt_window.repaint()  # as for a row of the list of layers
        assert on_screen(viewer) == before

"""Letters on the canvas: drawn before they are needed, and measured before napari knows the screen."""

from __future__ import annotations

import contextlib
import string
import weakref
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from napari.viewer import Viewer

DPI = 96.0
"""What napari itself takes where it does not know the screen's."""
WANTED = "ÅÉÑŐ" + string.digits + " .,-+−=:·()/µ%²λσ" + string.ascii_letters
"""Letters of captions, colour bars and lengths. vispy measures each line by the first of them."""
EACH_MS = 20
"""Between two letters, each of which takes a few ms."""


def draw_soon(viewer: Viewer) -> None:
    """Let napari draw the letters that pictures are explained with, one after the other while nothing happens.

    Each is drawn large, and its distances found, when it first stands on the canvas: the forty of a first picture kept
    the window from answering for 0.3 s.
    """
    try:
        window, info = viewer.window._qt_window, viewer.window._qt_viewer.canvas.font_info()
        font = info.font_manager.get_font(info.face)
        missing = [letter for letter in dict.fromkeys(WANTED) if letter not in font._glyphs]
    except (AttributeError, TypeError):  # another napari than 0.9, or the window is closed already
        return
    timer = QTimer(window)
    timer.setInterval(EACH_MS)
    its = weakref.ref(window)

    def draw() -> None:
        window = its()
        if window is None or not missing:
            timer.stop()
            timer.deleteLater()
        elif window.isVisible():
            with contextlib.suppress(RuntimeError):  # no room for more
                font[missing.pop(0)]

    timer.timeout.connect(draw)
    timer.start()


def measurable(viewer: Viewer, layer: Image) -> None:
    """Let a colour bar be switched on whose visual lies in no window, as in a cell that the grid has no more.

    napari (0.9.2) keeps such visuals, and measures their letters before it puts them into a window again: it would
    divide by the dots per inch of none.
    """
    visuals = getattr(viewer.window._qt_viewer.canvas, "_layer_overlay_to_visual", {})
    bar = visuals.get(layer, {}).get(layer.colorbar)
    if bar is not None and bar.node.ticks.transforms.dpi is None:
        bar.node.ticks.transforms.dpi = DPI

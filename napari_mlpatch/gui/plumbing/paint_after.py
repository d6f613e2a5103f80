"""What is changed on the canvas and its painting are two rounds of events: the window answers in between."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from napari.viewer import Viewer

REST_MS = 1
"""0 ms would be in the round of events that changed it."""


def paint_after(viewer: Viewer) -> Callable[[], None]:
    """A function that holds the canvas's painting back until the next round of events; it then is painted once.

    Qt paints before it looks at timers, so that a change of many pictures and their painting, which take as long as
    each other, were one stretch in which the window was deaf.
    """
    native = viewer.window._qt_viewer.canvas.native
    timer = QTimer(native)
    timer.setSingleShot(True)
    timer.setInterval(REST_MS)

    def paint() -> None:
        native.setUpdatesEnabled(True)  # which asks for it
        native.update()

    def hold() -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone
            native.setUpdatesEnabled(False)
            timer.start()

    timer.timeout.connect(paint)
    return hold

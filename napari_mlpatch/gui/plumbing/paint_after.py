"""What is changed on the canvas and its painting are two rounds of events: the window answers in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from napari.viewer import Viewer

REST_MS = 1
"""0 ms would be in the round of events that changed it."""


class PaintAfter:
    """Holds the canvas's painting back. What was painted last stays on show: a widget of OpenGL whose updates Qt
    disables (``setUpdatesEnabled``) is a hole wherever the window around it is painted.
    """

    def __init__(self, viewer: Viewer):
        canvas = viewer.window._qt_viewer.canvas
        self._scene, self._native = canvas._scene_canvas, canvas.native
        self._timer = QTimer(self._native)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._paint)

    def hold(self) -> None:
        """Until the next round of events; it then is painted once.

        Qt paints before it looks at timers, so that a change of many pictures and their painting, which take as long
        as each other, were one stretch in which the window was deaf.
        """
        with contextlib.suppress(RuntimeError):  # the window is gone
            if not self._timer.isActive():
                self._timer.start()
            self._deaf()

    @contextlib.contextmanager
    def needless(self) -> Iterator[None]:
        """What changes meanwhile is nothing on show."""
        pending = self._scene._update_pending
        self._deaf()
        try:
            yield
        finally:
            if not pending and not self._timer.isActive():
                self._hear()

    def _paint(self) -> None:
        self._hear()
        self._native.update()

    def _deaf(self) -> None:
        """vispy asks for no painting, as it has asked already."""
        self._scene._update_pending = True

    def _hear(self) -> None:
        self._scene._update_pending = False

"""A person's mouse and keys on napari's canvas, as Qt events."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

NONE, LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton


class Mouse:
    """``world`` places are (row, column) in the units of the layers."""

    def __init__(self, session):
        self.viewer = session.viewer
        self.canvas = session.viewer.window._qt_viewer.canvas
        self.native = self.canvas.native

    def point(self, world) -> QPointF:
        view = self.canvas.grid_views[0] if self.viewer.canvas.grid.enabled else self.canvas.view
        x, y = (view.transform * view.scene.transform).map((world[1], world[0]))[:2]
        return QPointF(x, y)

    def move(self, world, buttons=NONE, keys=Qt.KeyboardModifier.NoModifier) -> None:
        self._send(QEvent.Type.MouseMove, world, NONE, buttons, keys)

    def drag(self, *way, keys=Qt.KeyboardModifier.NoModifier) -> None:
        self._send(QEvent.Type.MouseButtonPress, way[0], LEFT, LEFT, keys)
        for world in way[1:]:
            self.move(world, LEFT, keys)
        self._send(QEvent.Type.MouseButtonRelease, way[-1], LEFT, NONE, keys)

    def key(self, key, keys=Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.native, key, keys)

    def _send(self, kind, world, button, buttons, keys) -> None:
        at = self.point(world)
        self.native._last_time = 0.0  # vispy drops a move within 10 ms of the one before
        event = QMouseEvent(kind, at, QPointF(self.native.mapToGlobal(at.toPoint())), button, buttons, keys)
        QApplication.sendEvent(self.native, event)

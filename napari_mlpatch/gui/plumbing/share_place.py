"""napari's layer controls and its list of layers share a place where a window is too low for both and the table."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

NEEDED = 200
"""Pixels of a dock below them that shows a few rows of a table."""
AROUND = 75
"""Pixels of the window's menu, status line and edges."""


def share_place(window: QMainWindow) -> None:
    """The two become tabs: one above the other they keep a low window from giving the table more than two rows."""
    docks = _docks(window)
    if docks is not None:
        controls, layers = docks
        window.tabifyDockWidget(controls, layers)
        controls.raise_()


def give_room(window: QMainWindow, below: QDockWidget) -> None:
    """The forms on the right use the window's whole height, the table below a little more than a quarter of it."""
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    window.resizeDocks([below], [max(240, round(0.28 * window.height()))], Qt.Orientation.Vertical)


class ShareWhenLow(QObject):
    """Lets them share a place once they need more height than the window has, as controls do that grow in 3-D."""

    def __init__(self, window: QMainWindow, below: QDockWidget):
        super().__init__(below)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._look)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._soon.start()
        return False

    def _look(self) -> None:
        below = self.parent()  # nothing of the window is kept: it would outlive its closing
        window = below.parent() if isinstance(below, QDockWidget) else None
        docks = _docks(window) if isinstance(window, QMainWindow) else None
        if docks is None or below.isFloating() or not below.isVisible():
            return
        controls, layers = docks
        if layers in window.tabifiedDockWidgets(controls) or not (controls.isVisible() and layers.isVisible()):
            return
        least = sum(dock.minimumSizeHint().height() for dock in docks)
        if least + NEEDED > window.height() - AROUND:
            share_place(window)
            give_room(window, below)  # Qt would not by itself


def _docks(window: QMainWindow) -> tuple[QDockWidget, QDockWidget] | None:
    """Controls and list, where both are in the window."""
    controls, layers = (window.findChild(QDockWidget, name) for name in ("layer controls", "layer list"))
    if controls is None or layers is None or controls.isFloating() or layers.isFloating():
        return None
    return controls, layers

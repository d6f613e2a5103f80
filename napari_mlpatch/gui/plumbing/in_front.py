"""Whether a dock is the one of its tabs that is looked at."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QDockWidget, QWidget


class InFront(QObject):
    """Follows the dock that a widget lies in. Qt calls widgets behind another tab visible, too."""

    changed = Signal(bool)

    def __init__(self, widget: QWidget):
        super().__init__(widget)
        self.now = True
        self._dock: QDockWidget | None = None
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show:  # it has its dock by then
            dock = watched
            while dock is not None and not isinstance(dock, QDockWidget):
                dock = dock.parent()
            if dock is not None and dock is not self._dock:
                self._dock = dock
                dock.visibilityChanged.connect(self._set)
        return False

    def _set(self, now: bool) -> None:
        if now != self.now:
            self.now = now
            self.changed.emit(now)

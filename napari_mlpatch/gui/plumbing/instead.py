"""A sentence in the middle of a widget that has nothing to show yet: what will stand there."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel, QWidget

MARGIN = 12
"""Pixels around it."""


class Instead(QLabel):
    """Lies over ``place`` while it says something; the mouse does not see it."""

    def __init__(self, place: QWidget):
        super().__init__(place)
        self.setWordWrap(True)
        self.setMargin(MARGIN)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.hide()
        place.installEventFilter(self)
        self._fill(place)

    def say(self, words: str) -> None:
        """An empty text takes it away."""
        if words != self.text():
            self.setText(words)
        if self.isHidden() == bool(words):
            self.setVisible(bool(words))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Resize and watched is self.parent():
            self._fill(watched)
        return False

    def _fill(self, place: object) -> None:
        if isinstance(place, QWidget):
            self.setGeometry(place.rect())

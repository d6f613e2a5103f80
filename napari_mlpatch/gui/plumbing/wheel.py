"""A mouse wheel over a box that nobody works in scrolls the dock, and does not change the value."""

from __future__ import annotations

from functools import cache

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget

BOXES = (QAbstractSpinBox, QComboBox, QAbstractSlider)


def still(root: QWidget) -> None:
    """Let the boxes in ``root`` that are there now heed the wheel only once they were clicked or tabbed into."""
    for box in (root, *root.findChildren(QWidget)):
        if isinstance(box, BOXES) and not isinstance(box, QScrollBar):
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel alone would give it the focus
            box.installEventFilter(_filter())


class _Still(QObject):
    def eventFilter(self, box: QObject | None, event: QEvent | None) -> bool:
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(box, QWidget) or box.hasFocus():
            return False
        event.ignore()  # so that Qt offers it to what the box lies in
        return True


@cache
def _filter() -> _Still:
    return _Still()

"""Keys of a form: Return does what its main button does, Escape ends what is running, Delete takes away."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QLineEdit,
    QShortcut,
    QToolButton,
    QWidget,
)

RETURN = ("Return", "Enter")
CTRL_RETURN = ("Ctrl+Return", "Ctrl+Enter")
ESCAPE = ("Escape",)
DELETE = ("Delete",)


def on_key(widget: QWidget, keys: tuple[str, ...], act: Callable[[], object]) -> None:
    """Call ``act`` when one of the keys is pressed in ``widget`` or in what lies in it."""
    for key in keys:
        shortcut = QShortcut(QKeySequence(key), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)


def on_return(widget: QWidget, act: Callable[[], object]) -> None:
    """Return takes over what is being typed, then calls ``act``; on a button it presses that button."""

    def pressed() -> None:
        inside = QApplication.focusWidget()
        if isinstance(inside, QToolButton) and inside.menu() is not None:
            inside.showMenu()
        elif isinstance(inside, QAbstractButton) and not isinstance(inside, QCheckBox):
            inside.click()
        else:
            take_over(inside)
            act()

    on_key(widget, RETURN, pressed)


def take_over(box: QWidget | None) -> None:
    """What was typed into a box counts from now on, as if it had been left."""
    if isinstance(box, QAbstractSpinBox):
        box.interpretText()
    elif isinstance(box, QLineEdit):
        box.editingFinished.emit()

"""Labels for texts of any length: none of them makes its dock wider."""

from __future__ import annotations

import re

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QLabel, QSizePolicy
from superqt import QElidingLabel

from napari_mlpatch.workbench.said import said

from .theme import REMARK, Themed

BREAK = "\u200b"
"""A place where a line may end, of no width."""


def breakable(text: str) -> str:
    """The same text, whose paths and names with underscores may be broken into lines; HTML tags stay whole."""
    return re.sub(r"(<[^>]*>)|([/\\_])", lambda found: found[1] or found[2] + BREAK, text)


class Note(QLabel):
    """Text of several lines, as wide as there is room. What the engine says is put into the window's words."""

    def __init__(self, text: str = ""):
        super().__init__()
        self.setWordWrap(True)
        policy = self.sizePolicy()  # of a height that follows from the width
        policy.setHorizontalPolicy(QSizePolicy.Policy.Expanding)
        self.setSizePolicy(policy)
        self.setMinimumWidth(1)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        super().setText(breakable(said(text or "")))


class Remark(Themed, Note):
    """A note in the colour of warnings."""

    def __init__(self, text: str = ""):
        super().__init__(text)
        self.follow_theme()

    def paint_theme(self, shade: str) -> None:
        self.setStyleSheet(f"color: {REMARK[shade]}")


class Name(QElidingLabel):
    """One line; what does not fit ends in dots, and the whole of it is the tooltip."""

    def __init__(self, text: str = ""):
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        super().setText(text or "")
        self.setToolTip(text or "")

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

"""All keys at a glance, over the window: made from what is registered, so that it is never out of date."""

from __future__ import annotations

import contextlib

from napari.viewer import Viewer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout

from napari_mlpatch.gui.plumbing.follow import KEYS

HELP = ("F1", "Shift-?")
WIDTH = 880
"""Pixels."""
STYLE = """
QFrame#keys { background: rgba(20, 22, 28, 225); border: 1px solid rgba(255, 255, 255, 60); border-radius: 8px; }
QLabel { color: #f0f0f0; background: transparent; }
QLabel#key { background: rgba(255, 255, 255, 35); border-radius: 3px; padding: 1px 7px; font-weight: bold; }
"""


DOCKS = (
    ("Return", "Run, Simulate, Train: what the dock is for, whose boxes have the focus (Ctrl + Return: run all)"),
    ("Escape", "End what that dock is computing"),
    ("Delete", "Take the selected result out of the table (Ctrl + Z brings it back)"),
)
"""Keys of the docks: see ``plumbing.keys``."""


class KeyHelp(QObject):
    """A list that lies over the window until a key or the mouse is pressed."""

    def __init__(self, viewer: Viewer):
        super().__init__(viewer.window._qt_window)
        self.viewer = viewer
        self.frame: QFrame | None = None

    def rows(self) -> list[tuple[str, str]]:
        """Keys and what they do; keys that do the same stand together."""
        keys: dict[str, list[str]] = {}
        for key, words in KEYS.get(self.viewer, {}).items():
            about = words.split(";")[0].rstrip(".")  # the rest is in the button's tooltip
            if about:
                keys.setdefault(about, []).append(key)
        return [(" or ".join(map(shown, each)), about) for about, each in keys.items()]

    def toggle(self) -> None:
        """Show the list, or take it away."""
        if self.frame is not None:
            self.hide()
            return
        window = self.viewer.window._qt_window
        frame = self.frame = QFrame(window)  # the canvas of a small window is lower than the list
        frame.setObjectName("keys")
        frame.setStyleSheet(STYLE)
        layout, grid = QVBoxLayout(frame), QGridLayout()
        layout.setContentsMargins(14, 10, 14, 10)
        grid.setVerticalSpacing(3)
        layout.addWidget(QLabel("<b>Keys</b> while the pictures have the focus, and those of the docks"))
        layout.addLayout(grid)
        grid.setColumnStretch(1, 1)
        rows = [*self.rows(), *DOCKS]
        for i, (key, about) in enumerate(rows):
            name, words = QLabel(key), QLabel(about)
            name.setObjectName("key")
            words.setWordWrap(True)
            grid.addWidget(name, i, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)  # type: ignore[arg-type]
            grid.addWidget(words, i, 1)
        frame.ensurePolished()  # or its letters are measured in another font
        width = min(WIDTH, window.width() - 20)
        height = min(layout.heightForWidth(width), window.height() - 20)
        frame.setFixedSize(width, height)
        frame.move((window.width() - width) // 2, (window.height() - height) // 2)
        frame.show()
        frame.raise_()
        window.installEventFilter(self)
        self.viewer.window._qt_viewer.canvas.native.installEventFilter(self)
        frame.installEventFilter(self)

    def hide(self) -> None:
        frame, self.frame = self.frame, None
        if frame is not None:
            with contextlib.suppress(RuntimeError):  # the window may be closing
                for watched in (self.viewer.window._qt_window, self.viewer.window._qt_viewer.canvas.native):
                    watched.removeEventFilter(self)
                frame.hide()
                frame.deleteLater()

    def close_for_good(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.hide()
            self.deleteLater()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.Resize):
            if watched is not self.frame or event.type() == QEvent.Type.MouseButtonPress:
                self.hide()
        elif event is not None and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:  # type: ignore[attr-defined]
            self.hide()
            return True
        return False


def shown(key: str) -> str:
    """A key as keyboards name it."""
    return {"Shift-?": "?"}.get(key, key.replace("-", " + "))

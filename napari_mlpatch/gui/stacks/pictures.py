"""A window with pictures beside each other, each with a line below it; a click shows one on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QGridLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from napari_mlpatch.gui.compare.sheet import pixmap
from napari_mlpatch.gui.plumbing.label import Note

SIDE = 200


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture between black and white ``limits``; None where it is still to come. ``recipe`` says how it was made."""

    caption: str
    picture: np.ndarray | None
    limits: tuple[float, float] = (0.0, 1.0)
    tip: str = "Click: show it on the canvas"
    recipe: dict[str, Any] | None = None


class PictureWindow(QWidget):
    """``chosen(shown)`` is called where a picture is clicked."""

    def __init__(self, parent: QWidget, chosen: Callable[[Shown], None]):
        super().__init__(parent)
        self.setWindowFlag(Qt.WindowType.Window)
        self._chosen = chosen
        self.note = Note()
        self.buttons: list[QToolButton] = []
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.note)
        layout.addWidget(self._area, 1)

    def show_rows(self, title: str, rows: Sequence[Sequence[Shown]], note: str = "") -> None:
        """Draw all of them anew; the window opens if it is not open."""
        page = QWidget()
        grid = QGridLayout(page)
        grid.setSpacing(4)
        self.buttons = []
        for r, row in enumerate(rows):
            for c, shown in enumerate(row):
                grid.addWidget(self._button(shown), r, c)
        grid.setRowStretch(grid.rowCount(), 1)
        grid.setColumnStretch(grid.columnCount(), 1)
        self._area.setWidget(page)
        self.note.setText(note)
        self.setWindowTitle(title)
        if not self.isVisible():
            hint = page.sizeHint()
            self.resize(min(hint.width() + 40, 1200), min(hint.height() + 70, 800))
            self.show()
            self.raise_()

    def _button(self, shown: Shown) -> QToolButton:
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(SIDE, SIDE))
        button.setMinimumSize(SIDE + 8, SIDE + button.fontMetrics().height() + 14)
        button.setText(shown.caption)
        button.setToolTip(shown.tip)
        button.setEnabled(shown.picture is not None)
        if shown.picture is not None:
            button.setIcon(QIcon(pixmap(shown.picture, shown.limits, SIDE)))
            button.clicked.connect(lambda: self._chosen(shown))
        self.buttons.append(button)
        return button

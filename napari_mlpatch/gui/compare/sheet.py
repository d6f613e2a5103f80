"""The contact sheet of a sweep: a small picture for each combination, the best framed; a click takes it over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QScrollArea, QToolButton, QWidget

from napari_mlpatch.batch.sheet import limits_of, rows_of, score
from napari_mlpatch.batch.sweep import Cell, Sweep, best_of, written
from napari_mlpatch.batch.values import Axis
from napari_mlpatch.gui.forms.form import spelt

SIDE, LARGEST = 96, 220
"""Pixels of a picture: at least, and where there are few of them."""
SHEET = (690, 610)
"""Width and height in pixels that pictures and their captions may fill."""
CAPTION = (12, 44)
FRAME = "QToolButton { border: 2px solid %s; border-radius: 3px; padding: 2px }"
BEST, PLAIN, CHOSEN = "#2ea84f", "transparent", "#5a8dee"


class Sheet(QScrollArea):
    """``chosen(index)`` is called where a combination that has a picture is clicked."""

    def __init__(self, chosen: Callable[[int], None]):
        super().__init__()
        self._chosen = chosen
        self.setWidgetResizable(True)
        self.buttons: list[QToolButton] = []
        self._shape: tuple[str, ...] = ()
        self._drawn: list[tuple[int, tuple[float, float]]] = []
        self.marked: int | None = None
        self.side = SIDE

    def show_cells(self, cells: Sequence[Cell], axes: Sequence[Axis], key: str | None) -> None:
        """Draw what is new."""
        shape = tuple(cell.title for cell in cells)
        if shape != self._shape:
            self._shape, self.marked = shape, None
            self._make(cells, axes)
        limits = limits_of([cell.picture for cell in cells if cell.picture is not None])
        best = None if key is None else best_of(cells, key)
        for i, (cell, button) in enumerate(zip(cells, self.buttons, strict=True)):
            mark = (id(cell), limits)
            if self._drawn[i] != mark:
                self._drawn[i] = mark
                button.setEnabled(cell.picture is not None)
                if cell.picture is not None:
                    button.setIcon(QIcon(pixmap(cell.picture, limits, self.side)))
            figure = score(cell, key) if cell.picture is not None else "failed" if cell.error else "…"
            button.setText(f"{head(cell, cells)}\n{figure}")
            button.setToolTip(cell.error or f"{cell.title}\n{figure}\nClick: put these values into the form")
            colour = BEST if i == best else CHOSEN if i == self.marked else PLAIN
            if button.property("frame") != colour:
                button.setProperty("frame", colour)
                button.setStyleSheet(FRAME % colour)

    def _make(self, cells: Sequence[Cell], axes: Sequence[Axis]) -> None:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setSpacing(2)
        self.buttons, self._drawn = [], [(0, (0.0, 0.0))] * len(cells)
        places = {
            i: (r, c)
            for r, row in enumerate(rows_of(Sweep(tuple(cells), tuple(axes), None)))
            for c, i in enumerate(row)
        }
        rows, columns = (1 + max((place[axis] for place in places.values()), default=0) for axis in (0, 1))
        if rows == 1 and columns > 1:  # wrapped, so that the pictures are as large as they can be
            columns = max(range(1, columns + 1), key=lambda n: (_side(-(-len(cells) // n), n), -n))
            rows, places = -(-len(cells) // columns), {i: divmod(i, columns) for i in places}
        self.side = max(SIDE, min(LARGEST, _side(rows, columns)))
        for i in range(len(cells)):
            button = QToolButton()
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(self.side, self.side))
            button.clicked.connect(lambda _=False, i=i: self._click(i))
            grid.addWidget(button, *places[i])
            self.buttons.append(button)
        grid.setRowStretch(grid.rowCount(), 1)
        grid.setColumnStretch(grid.columnCount(), 1)
        self.setWidget(page)

    def _click(self, index: int) -> None:
        self.marked = index
        self._chosen(index)


def _side(rows: int, columns: int) -> int:
    """Pixels of a picture, where so many fill the sheet."""
    return min(SHEET[0] // columns - CAPTION[0], SHEET[1] // rows - CAPTION[1])


def head(cell: Cell, cells: Sequence[Cell]) -> str:
    """The values of a combination, with its method where there are several."""
    words = [cell.method] if len({c.method for c in cells}) > 1 else []
    return ", ".join([*words, *(f"{spelt(name)} {written(value)}" for name, value in cell.values.items())])


def pixmap(picture: np.ndarray, limits: tuple[float, float], side: int = SIDE) -> QPixmap:
    """A small picture in grey."""
    step = max(1, max(picture.shape) // (2 * side))
    small = picture[::step, ::step]
    low, high = limits
    grey = np.ascontiguousarray(255.0 * np.clip((small - low) / (high - low), 0.0, 1.0), dtype=np.uint8)
    image = QImage(grey.tobytes(), grey.shape[1], grey.shape[0], grey.strides[0], QImage.Format.Format_Grayscale8)
    ratio = Qt.AspectRatioMode.KeepAspectRatio
    return QPixmap.fromImage(image.copy()).scaled(side, side, ratio, Qt.TransformationMode.SmoothTransformation)

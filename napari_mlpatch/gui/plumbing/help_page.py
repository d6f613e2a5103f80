"""The "?" beside a choice: a page of help on what is chosen, with a picture that is computed while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QColor, QImage, QTextCharFormat, QTextCursor, QTextDocument, QTextTable
from qtpy.QtWidgets import QComboBox, QDialog, QHBoxLayout, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from napari_mlpatch.core.page import page
from napari_mlpatch.core.registry import Registry
from napari_mlpatch.workbench.jobs import Latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_mlpatch.explore.example import Example

PICTURE = "example.png"
WIDTH, HEIGHT = 720, 680
PICTURE_WIDTH = 660
BUTTON = 26
LINK = "#3d9bd9"
"""Read on a dark and on a light ground."""


class HelpButton(QPushButton):
    """Opens the page of what a combo box has chosen (its data are names of ``registry``)."""

    def __init__(self, registry: Registry, combo: QComboBox, post: Callable[[Callable[[], None]], None]):
        super().__init__("?")
        self.registry, self.combo, self._post = registry, combo, post
        self.dialog: HelpDialog | None = None
        self.setFixedWidth(BUTTON)
        self.setToolTip(f"What this {registry.kind} computes, when to use it, its parameters, and where it comes from")
        self.setAccessibleName(f"Help on this {registry.kind}")
        self.clicked.connect(self.open)
        combo.currentIndexChanged.connect(self._follow)

    def open(self) -> None:
        if self.dialog is None:
            self.dialog = HelpDialog(self.registry, self._post, self.window())
            self.destroyed.connect(self.dialog.quick.close)
        self._show()
        self.dialog.show()
        self.dialog.raise_()

    def _follow(self) -> None:
        """An open page turns to what is chosen now."""
        if self.dialog is not None and self.dialog.isVisible():
            self._show()

    def _show(self) -> None:
        if self.dialog is not None and self.combo.currentData():
            self.dialog.show_page(self.combo.currentData())


class HelpDialog(QDialog):
    """A page of help beside the window, which goes on being used."""

    def __init__(self, registry: Registry, post: Callable[[Callable[[], None]], None], parent: QWidget | None = None):
        super().__init__(parent)
        self.registry = registry
        self.quick = Latest(post)
        self.name = ""
        self._examples: dict[str, Example | None] = {}
        self.text = _Text()
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.resize(WIDTH, HEIGHT)

    def show_page(self, name: str) -> None:
        """The page of that name at once; its picture when it is there."""
        from napari_mlpatch.explore.example import example

        self.name = name
        kind = f"{self.registry.kind}s"
        self._write()
        self.text.verticalScrollBar().setValue(0)
        if name not in self._examples:
            self.quick.call("example", lambda: example(kind, name), lambda made: self._add(name, made), _no_picture)

    def _add(self, name: str, made: Example | None) -> None:
        self._examples[name] = made
        if name == self.name:
            place = self.text.verticalScrollBar().value()
            self._write()
            self.text.verticalScrollBar().setValue(place)

    def _write(self) -> None:
        about, shown = page(self.registry.get(self.name)), self._examples.get(self.name)
        document = self.text.document()
        assert document is not None
        line = ""
        if shown is not None:
            self.text.picture = _image(shown.strip())
            line = f"![picture]({PICTURE})\n\n*{shown.caption}*"
        self.setWindowTitle(about.title)
        document.setMarkdown(about.markdown(line))
        _dress(document)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)  # or it would be scrolled to the end


def _dress(document: QTextDocument) -> None:
    """Lines between the rows of tables, and links in a colour that can be read."""
    for table in document.rootFrame().childFrames():
        if isinstance(table, QTextTable):
            shape = table.format()
            shape.setCellPadding(4)
            shape.setCellSpacing(0)
            shape.setBorder(0)
            table.setFormat(shape)
    links, block = [], document.begin()
    while block.isValid():
        place = block.begin()
        while not place.atEnd():
            piece = place.fragment()
            if piece.charFormat().isAnchor():
                links.append((piece.position(), piece.length()))
            place += 1
        block = block.next()
    colour = QTextCharFormat()
    colour.setForeground(QColor(LINK))
    for start, length in links:
        cursor = QTextCursor(document)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(colour)


class _Text(QTextBrowser):
    """Knows the picture by its name; what is added to a document is lost when its text changes."""

    picture: QImage | None = None

    def loadResource(self, kind: int, name: QUrl) -> Any:
        known = self.picture is not None and name.toString() == PICTURE
        return self.picture if known else super().loadResource(kind, name)


def beside(widget: QWidget, button: QWidget) -> QHBoxLayout:
    """A control with a small button on its right."""
    row = QHBoxLayout()
    row.setSpacing(2)
    row.addWidget(widget, 1)
    row.addWidget(button)
    return row


def _image(strip: np.ndarray) -> QImage:
    rows, columns = strip.shape
    values = strip.tobytes()  # held as long as Qt reads it
    image = QImage(values, columns, rows, columns, QImage.Format.Format_Grayscale8)
    return image.scaledToWidth(PICTURE_WIDTH, Qt.TransformationMode.SmoothTransformation)


def _no_picture(error: Exception) -> Any:
    """The text stands without it."""

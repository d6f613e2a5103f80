"""What changed between two results: a table of what differs in their recipes."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch import weights
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.recipe_difference import Difference, differences
from napari_mlpatch.workbench.said import called


class ChangedDialog(QDialog):
    """One row for each thing that differs, in words."""

    def __init__(self, first: tuple[str, Recipe], second: tuple[str, Recipe], parent: QWidget | None = None):
        """``first`` and ``second`` are what they are called, and their recipes."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("What changed?")
        names = {card.sha256: card.name for card in weights.available()}
        of, name = (first[1], second[1]), lambda sha: names.get(sha) or sha[:12]
        self.found, shown = differences(*of, name), differences(*of, name, called)
        self.headings = ("", first[0], second[0])
        self.table = QTableWidget(len(self.found), 3)
        self.table.setHorizontalHeaderLabels(self.headings)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setWordWrap(True)
        for i, one in enumerate(shown):
            for j, text in enumerate((one.what, one.first, one.second)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(i, j, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setToolTip("What differs between the two recipes; point at a cell to read all of it")
        self.copy = QPushButton("Copy as Markdown")
        self.copy.setToolTip("Copy this table, for a notebook or a paper")
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(markdown(self.headings, self.found)))
        close = QPushButton("Close")
        close.setDefault(True)
        close.setToolTip("Close this window (Escape)")
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        if not self.found:
            layout.addWidget(QLabel("Nothing differs between the two recipes."))
        layout.addWidget(self.table, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        buttons.addWidget(close)
        layout.addLayout(buttons)
        self.table.setVisible(bool(self.found))
        self.resize(760, 320)
        self.table.resizeRowsToContents()


def markdown(headings: tuple[str, str, str], found: list[Difference]) -> str:
    """The same as a table of Markdown."""
    rows = [headings, ("---",) * 3, *((one.what, one.first, one.second) for one in found)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"

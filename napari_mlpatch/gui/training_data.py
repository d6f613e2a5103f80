"""The images of a training: drawn ones, or files of one's own."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QFormLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.training import Files, Synthetic

from .forms import short
from .training_rows import Rows, side_by_side

KINDS = {"dead-leaves": "Drawn: dead leaves", "ellipses": "Drawn: ellipses", "log-normal": "Drawn: log-normal fields"}
FILES = "Images (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.npy *.npz);;All files (*)"
DRAWN = {"count": "so many images are drawn", "size": "rows and columns of an image"}
RANGE = {"low": "this value becomes 0, and what is below (CT: -1000)", "high": "this value becomes 1 (CT: 1000)"}
COMMON = {
    "colours": "1: grey, 3: red, green and blue; the network gets as many channels",
    "hold_out": "so many images at the end are for validation only",
}


class DataForm(QWidget):
    """Kind of images, and what that kind needs."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = short(QComboBox())
        for name, title in KINDS.items():
            self.kind.addItem(title, name)
        self.kind.addItem("Files", "files")
        self.paths = QPlainTextEdit()
        self.paths.setPlaceholderText("folders and files, one on each line")
        self.paths.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.paths.setFixedHeight(70)
        self.paths.setStyleSheet("QPlainTextEdit { border: 1px solid gray }")  # napari's theme has no look for it
        self.folder, self.files = QPushButton("Add a folder…"), QPushButton("Add files…")
        self.drawn, self.range = Rows(Synthetic, DRAWN), Rows(Files, RANGE, none_means="as it is")
        self.common = Rows(Synthetic, COMMON)
        self._known: dict[bool, dict[str, Any]] = {
            True: Files.model_construct(paths=()).model_dump(mode="json"),
            False: Synthetic(kind="dead-leaves").model_dump(mode="json"),
        }
        """What was opened last, of files and of drawn images."""
        self.top = top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        top.addRow("kind", self.kind)
        self.own = QWidget()
        own = QVBoxLayout(self.own)
        own.setContentsMargins(0, 0, 0, 0)
        own.addWidget(self.paths)
        own.addLayout(side_by_side(self.folder, self.files))
        own.addWidget(self.range)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        for part in (self.own, self.drawn, self.common):
            layout.addWidget(part)

        self.set_data(Synthetic(kind="dead-leaves"))
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.folder.clicked.connect(self._add_folder)
        self.files.clicked.connect(self._add_files)
        for rows in (self.drawn, self.range, self.common):
            rows.changed.connect(self.changed)

    def set_data(self, data: Files | Synthetic) -> None:
        values = data.model_dump(mode="json")
        self._known[isinstance(data, Files)] = values
        self.drawn.set_values(self._known[False])
        self.range.set_values(self._known[True])
        self.common.set_values(values)
        self.paths.setPlainText("\n".join(self._known[True]["paths"]))
        self.kind.setCurrentIndex(self.kind.findData(data.kind))
        self._kind_chosen()

    def values(self) -> dict[str, Any]:
        """The recipe's ``data``. Raises InputError where no files are named."""
        kind = self.kind.currentData()
        known = self._known[kind == "files"] | {name: field.get() for name, field in self.common.fields.items()}
        if kind != "files":
            return known | {"kind": kind} | self.drawn.changes()
        paths = [line.strip() for line in self.paths.toPlainText().splitlines() if line.strip()]
        if not paths:
            raise InputError("There are no images to train on: add a folder or files, or have images drawn.")
        return known | {"paths": paths} | self.range.changes()

    @property
    def forms(self) -> list[QFormLayout]:
        return [self.top, self.drawn.form, self.range.form, self.common.form]

    @property
    def colours(self) -> int:
        return self.common.fields["colours"].get()

    def _kind_chosen(self) -> None:
        files = self.kind.currentData() == "files"
        self.own.setVisible(files)
        self.drawn.setVisible(not files)
        self.changed.emit()

    def _add_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "A folder with images")
        self.add([path] if path else [])

    def _add_files(self) -> None:
        self.add(QFileDialog.getOpenFileNames(self, "Images", "", FILES)[0])

    def add(self, paths: list[str]) -> None:
        """Name more folders or files."""
        for path in paths:
            self.paths.appendPlainText(path)
        self.changed.emit()

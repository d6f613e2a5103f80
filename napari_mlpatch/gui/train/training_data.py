"""The images of a training: drawn ones, or files of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import sources
from napari_mlpatch.gui.forms.boxes import short
from napari_mlpatch.gui.plumbing.dialogs import ask_files, ask_folder
from napari_mlpatch.training import Files, Synthetic
from napari_mlpatch.training.sources import Source, description_of
from napari_mlpatch.training.sources.drawn import Drawn

from .training_rows import Rows, side_by_side

FILES = "Images (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.npy *.npz);;All files (*)"
DRAWN = {"count": "so many images are drawn", "size": "rows and columns of an image"}
RANGE = {
    "low": "this value becomes 0, and what is below (CT: -1000)",
    "high": "this value becomes 1, and what is above (CT: 1000)",
    "shrink": "means over blocks of so many pixels a side are taken",
}
COMMON = {
    "colours": "1: grey, 3: red, green and blue; the network gets as many channels",
    "hold_out": "so many images at the end are for validation only",
}


class DataForm(QWidget):
    """Kind of images, and what that kind needs; of kinds that are not known here, what they declare."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = short()
        for cls in sources:
            self.kind.addItem(cls.title, cls.name)
        self.kind.setToolTip("Where the images come from that the network learns from")
        self.paths, self.truths = _PathsBox("folders and files, one on each line"), _PathsBox("true pictures of these")
        self.folder, self.files = QPushButton("Add a folder…"), QPushButton("Add files…")
        self.folder.setToolTip("All images in a folder and its folders")
        self.files.setToolTip("Single images")
        self.drawn, self.range = Rows(Drawn, DRAWN), Rows(Files, RANGE, none_means="as it is")
        self.common = Rows(Drawn, COMMON)
        self.others = {cls.name: Rows(cls, _about(cls)) for cls in sources if _group(cls.name) == cls.name != "files"}
        self._known: dict[str, dict[str, Any]] = {
            "files": {"kind": "files", "paths": [], "low": None, "high": None, "shrink": 1},
            "drawn": description_of(Synthetic(kind="dead-leaves")),
        }
        """What was opened last, of each group of kinds."""
        self.top = top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        top.addRow("kind", self.kind)
        self.own = QWidget()
        own = QVBoxLayout(self.own)
        own.setContentsMargins(0, 0, 0, 0)
        own.addWidget(self.paths)
        own.addWidget(self.truths)
        own.addLayout(side_by_side(self.folder, self.files))
        own.addWidget(self.range)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        for part in (self.own, self.drawn, self.common, *self.others.values()):
            layout.addWidget(part)

        for name, rows in self.others.items():
            self._known[name] = {"kind": name} | {p.name: _plain(p.default) for p in parameters(sources.get(name))}
            rows.set_values(self._known[name])
        self.set_data(Synthetic(kind="dead-leaves"))
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.folder.clicked.connect(self._add_folder)
        self.files.clicked.connect(self._add_files)
        for rows in (self.drawn, self.range, self.common, *self.others.values()):
            rows.changed.connect(self.changed)

    def set_data(self, data: Source) -> None:
        values, group = description_of(data), _group(data.kind)
        self._known[group] = values
        self.drawn.set_values(self._known["drawn"])
        self.range.set_values(self._known["files"])
        if group in self.others:
            self.others[group].set_values(values)
        else:
            self.common.set_values(values)
        self.paths.set(self._known["pairs"]["measurements"] if group == "pairs" else self._known["files"]["paths"])
        self.truths.set(self._known["pairs"]["truths"])
        self.kind.setCurrentIndex(self.kind.findData(data.kind))
        self._kind_chosen()

    def values(self) -> dict[str, Any]:
        """The recipe's ``data``. Raises InputError where no files are named."""
        kind = self.kind.currentData()
        group = _group(kind)
        known = self._known[group] | {"kind": kind}
        if group in self.others:
            known |= self.others[group].changes()
        else:
            known |= {name: field.get() for name, field in self.common.fields.items()}
        if group == "drawn":
            return known | self.drawn.changes()
        if group not in ("files", "pairs"):
            return known
        paths = self.paths.get()
        if not paths:
            raise InputError("There are no images to train on: add a folder or files, or have images drawn.")
        if group == "pairs":
            return known | {"measurements": paths, "truths": self.truths.get()}
        return known | {"paths": paths} | self.range.changes()

    def make_room(self, shape: tuple[int, ...]) -> None:
        """Images that are drawn get at least so many rows and columns."""
        for rows in (self.drawn, *self.others.values()):
            size = rows.fields.get("size")
            if size is not None and shape and size.get() < max(shape):
                size.set(max(shape))

    @property
    def forms(self) -> list[QFormLayout]:
        return [self.top, *(r.form for r in (self.drawn, self.range, self.common, *self.others.values()))]

    @property
    def colours(self) -> int | None:
        """Channels of the images; None where only the files know."""
        group = _group(self.kind.currentData())
        if group in self.others:
            return None if group == "pairs" else 1
        return self.common.fields["colours"].get()

    def _kind_chosen(self) -> None:
        group = _group(self.kind.currentData())
        self.own.setVisible(group in ("files", "pairs"))
        self.range.setVisible(group == "files")
        self.truths.setVisible(group == "pairs")
        self.drawn.setVisible(group == "drawn")
        self.common.setVisible(group not in self.others)
        for name, rows in self.others.items():
            rows.setVisible(name == group)
        self.changed.emit()

    def _add_folder(self) -> None:
        path = ask_folder(self, "training images", "A folder with images")
        self.add([path] if path else [])

    def _add_files(self) -> None:
        self.add(ask_files(self, "training images", "Images", FILES))

    def add(self, paths: list[str]) -> None:
        """Name more folders or files."""
        for path in paths:
            self.paths.appendPlainText(path)
        self.changed.emit()


class _PathsBox(QPlainTextEdit):
    """Paths, one on each line."""

    def __init__(self, words: str):
        super().__init__()
        self.setPlaceholderText(words)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFixedHeight(70)
        self.setStyleSheet("QPlainTextEdit { border: 1px solid gray }")  # napari's theme has no look for it

    def get(self) -> list[str]:
        return [line.strip() for line in self.toPlainText().splitlines() if line.strip()]

    def set(self, paths: Sequence[str]) -> None:
        self.setPlainText("\n".join(paths))


def _group(kind: str) -> str:
    """Kinds that share their rows: all that are drawn once."""
    return "drawn" if issubclass(sources.get(kind), Drawn) else kind


def _about(cls: type) -> dict[str, str]:
    """The fields of a source that have a row: numbers and choices."""
    return {p.name: p.description for p in parameters(cls) if p.kind in ("int", "float", "bool", "choice", "str")}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

"""Where the volume goes; the ending of its name is its format."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLineEdit, QWidget

from napari_mlpatch.gui.forms.boxes import short
from napari_mlpatch.gui.plumbing.dialogs import ask_target
from napari_mlpatch.gui.plumbing.elided import small

FORMATS = {".zarr": "OME-Zarr", ".h5": "HDF5", ".tif": "one TIFF", "": "folder of TIFF files"}


class OutputBox(QWidget):
    """A name, its format, and a button to choose it."""

    changed = Signal()

    def __init__(self):
        super().__init__()
        self.name = QLineEdit()
        self.name.setToolTip("The file or folder that the volume is written to; a run that ended early goes on there")
        self.choose = small("…", "Choose a folder and a name")
        self.format = short()
        for ending, words in FORMATS.items():
            self.format.addItem(words, ending)
        self.format.setToolTip("OME-Zarr opens fast at any size; the others are for programs that do not read it")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.choose, 0, 1)
        grid.addWidget(self.format, 1, 0, 1, 2)
        self.format.currentIndexChanged.connect(self._put_ending)
        self.name.textChanged.connect(self._show_format)
        self.choose.clicked.connect(self._choose)

    def path(self) -> str:
        return self.name.text().strip()

    def set_path(self, path: str) -> None:
        self.name.setText(path)

    def _put_ending(self) -> None:
        ending, path = self.format.currentData(), self.path()
        if path and Path(path).suffix.lower() != ending:
            stem = path[: -len(Path(path).suffix)] if Path(path).suffix.lower() in FORMATS else path
            self.name.setText(f"{stem or path}{ending}")

    def _show_format(self) -> None:
        row = self.format.findData(Path(self.path()).suffix.lower())
        if row >= 0:
            self.format.blockSignals(True)
            self.format.setCurrentIndex(row)
            self.format.blockSignals(False)
        self.changed.emit()

    def _choose(self) -> None:
        name = Path(self.path()).name or "volume.zarr"
        path = ask_target(self, "volume", "The volume of all slices", name, "Volumes (*.zarr *.h5 *.tif);;Folders (*)")
        if path:
            self.set_path(path)

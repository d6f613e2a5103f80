"""Where the slices are computed: in this program, by processes of this machine, or on a Dask cluster."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QGridLayout, QLineEdit, QWidget

from napari_mlpatch.gui.forms.boxes import CountBox, short
from napari_mlpatch.workbench.stacks import Where

HERE, WORKERS, SCHEDULER = "here", "workers", "scheduler"


class WhereBox(QWidget):
    """``where()`` is what was chosen."""

    def __init__(self):
        super().__init__()
        self.kind = short(QComboBox())
        self.kind.addItem("this program", HERE)
        self.kind.addItem("workers here", WORKERS)
        self.kind.addItem("a scheduler", SCHEDULER)
        self.kind.setToolTip(
            "Where the slices are computed: in this program with all cores, by several processes of this machine, or "
            "by the workers of a Dask scheduler that runs somewhere and sees the same files"
        )
        self.workers, self.address = CountBox(), QLineEdit()
        self.workers.setRange(1, 256)
        self.workers.setValue(2)
        self.workers.setToolTip("So many processes of this machine; each takes its share of cores and memory")
        self.address.setPlaceholderText("tcp://192.168.0.7:8786")
        self.address.setToolTip("The address that dask scheduler printed when it was started")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.kind, 0, 0)
        grid.addWidget(self.workers, 0, 1)
        grid.addWidget(self.address, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self._grid = grid
        self.kind.currentIndexChanged.connect(self._turn)
        self._turn()

    def where(self) -> Where:
        kind = self.kind.currentData()
        if kind == WORKERS:
            return Where(workers=self.workers.value())
        return Where(scheduler=self.address.text().strip()) if kind == SCHEDULER else Where()

    def _turn(self) -> None:
        self.workers.setVisible(self.kind.currentData() == WORKERS)
        self._grid.setColumnStretch(1, int(self.kind.currentData() == WORKERS))  # else the choice has the whole line
        self.address.setVisible(self.kind.currentData() == SCHEDULER)

"""Where the rotation axis lies at each height: as in the recipe, at one bin, or on a line between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_mlpatch.gui.forms.boxes import NumberBox, short

if TYPE_CHECKING:
    from napari_mlpatch.stacks.stack_recipe import Center

RECIPE, SAME, LINEAR = "recipe", "same", "linear"


class CenterBox(QWidget):
    """``center`` is None where it is the recipe's."""

    changed = Signal()
    find_wanted = Signal()

    def __init__(self):
        super().__init__()
        self.kind = short(letters=8)
        self.kind.addItem("the recipe's", RECIPE)
        self.kind.addItem("one bin", SAME)
        self.kind.addItem("linear", LINEAR)
        self.kind.setToolTip(
            "The rotation axis: that of the recipe, one bin for all slices, or linear in height, where the axis leans"
        )
        self.first, self.last = NumberBox(0.0, 1e6), NumberBox(0.0, 1e6)
        self.first.setToolTip("Bin of the rotation axis, counted from 0: of all slices, or of the first of the stack")
        self.last.setToolTip("Bin of the rotation axis in the last slice of the stack; linear in between")
        self.find = QPushButton("Find")
        self.find.setToolTip("Find the centres of five slices, and the line through them")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.kind, 0, 0)
        grid.addWidget(self.find, 0, 1)
        grid.addWidget(self.first, 1, 0)
        grid.addWidget(self.last, 1, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.kind.currentIndexChanged.connect(self._turn)
        self.find.clicked.connect(self.find_wanted)
        for box in (self.first, self.last):
            box.valueChanged.connect(self.changed)
        self._turn()

    def center(self) -> Center | None:
        from napari_mlpatch.stacks.stack_recipe import Center

        kind = self.kind.currentData()
        if kind == RECIPE:
            return None
        values = (self.first.value(), self.last.value())
        return Center(kind=kind, values=values[:1] if kind == SAME else values)

    def set_center(self, kind: str, first: float, last: float) -> None:
        for box, value in ((self.first, first), (self.last, last)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.kind.setCurrentIndex(max(0, self.kind.findData(kind)))
        self.changed.emit()

    def _turn(self) -> None:
        kind = self.kind.currentData()
        self.first.setVisible(kind != RECIPE)
        self.last.setVisible(kind == LINEAR)
        self.changed.emit()

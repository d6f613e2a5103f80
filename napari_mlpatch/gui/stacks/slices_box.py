"""Which slices of a stack are reconstructed: from one to another."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_mlpatch.gui.forms.boxes import CountBox


class SlicesBox(QWidget):
    """``chosen()`` is what was chosen, as a range whose end is excluded."""

    changed = Signal()

    def __init__(self):
        super().__init__()
        self.first, self.last = CountBox(), CountBox()
        self.first.setToolTip("The first slice that is reconstructed, counted from 0")
        self.last.setToolTip("The last slice that is reconstructed")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.first, 1)
        row.addWidget(QLabel("to"))
        row.addWidget(self.last, 1)
        for box in (self.first, self.last):
            box.valueChanged.connect(self.changed)

    def chosen(self) -> tuple[int, int]:
        return self.first.value(), self.last.value() + 1

    def count(self) -> int:
        begin, end = self.chosen()
        return end - begin

    def offer(self, count: int, chosen: tuple[int, int] | None = None) -> None:
        """Let a stack of so many slices be chosen from, and choose some; nothing is told."""
        for box in (self.first, self.last):
            box.blockSignals(True)
            box.setRange(0, count - 1)
        if chosen is not None:
            self.first.setValue(chosen[0])
            self.last.setValue(chosen[1] - 1)
        for box in (self.first, self.last):
            box.blockSignals(False)

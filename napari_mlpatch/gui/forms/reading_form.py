"""How the numbers of a file are to be read, where it does not say so or says it wrongly."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout

from napari_mlpatch import io
from napari_mlpatch.io.options import label

from .boxes import short

AXIS, UNIT = "angle_axis", "angle_unit"


class ReadingForm(QFormLayout):
    """Choices of the axis and the unit of the angles, which need the file to be looked at again, and of the logarithm.

    ``reread`` tells that the first two have changed, ``changed`` that the last has.
    """

    reread = Signal()
    changed = Signal()

    def __init__(self):
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.axis, self.unit, self.log = (
            _box("as found", *words)
            for words in (("rows", "columns", "pages"), ("degrees", "radians"), ("taken", "not taken"))
        )
        self.axis.setToolTip("Axis of the file's array along which the angles run: pages are projections")
        self.unit.setToolTip("Unit of the angles, of the file's and of those given above")
        self.log.setToolTip("Whether the logarithm of counts or transmissions is taken, or is in the data already")
        self.addRow(label(AXIS), self.axis)
        self.addRow(label(UNIT), self.unit)
        self.addRow(label("log"), self.log)
        for box, signal in ((self.axis, self.reread), (self.unit, self.reread), (self.log, self.changed)):
            box.currentIndexChanged.connect(lambda _, signal=signal: signal.emit())

    def show_options(self, measurement: io.Measurement, same_file: bool) -> None:
        """What a file was read with; the logarithm of another file is as found."""
        for name, box in ((AXIS, self.axis), (UNIT, self.unit)):
            _set(box, measurement.load_options.get(name))
        if not same_file:
            _set(self.log, None)

    def options(self) -> dict[str, Any]:
        """Of ``LoadOptions``, those that were chosen."""
        chosen = {AXIS: self.axis.currentData(), UNIT: self.unit.currentData()}
        return {name: value for name, value in chosen.items() if value is not None}

    def takes_log(self) -> bool | None:
        return {None: None, "taken": True, "not taken": False}[self.log.currentData()]


def _box(first: str, *words: str) -> QComboBox:
    box = short()
    box.addItem(first, None)
    for word in words:
        box.addItem(word, word)
    return box


def _set(box: QComboBox, value: Any) -> None:
    box.blockSignals(True)
    box.setCurrentIndex(max(0, box.findData(value)))
    box.blockSignals(False)

"""Rows of a form for some fields of a model."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, get_args, get_origin

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.forms.form import Field
from napari_mlpatch.gui.plumbing.wheel import still


def changed(fields: dict[str, Field], shown: dict[str, Any]) -> dict[str, Any]:
    """The fields that no longer have the value that was shown first, as JSON has them. Raises InputError."""
    found = {}
    for name, field in fields.items():
        try:
            value = field.get()
        except ValueError:
            raise InputError(f"{name.replace('_', ' ')}: whole numbers are needed, like 224 x 224.") from None
        if value != shown[name]:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


LABELS = {"lr": "learning rate", "low": "black is", "high": "white is", "hold_out": "held out"}


class Rows(QWidget):
    """Rows for some fields of one or several pydantic models, in the order of the words that explain them."""

    changed = Signal()

    def __init__(self, models: type | tuple[type, ...], about: dict[str, str], none_means: str = "all"):
        super().__init__()
        self.form = QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.fields: dict[str, Field] = {}
        self._labels: dict[str, QLabel] = {}
        known = {p.name: p for model in (models if isinstance(models, tuple) else (models,)) for p in parameters(model)}
        for p in (known[name] for name in about):
            if p.name not in self.fields:
                field = Field(dataclasses.replace(p, **_plain(p.type), none_means=none_means))
                label = QLabel(LABELS.get(p.name, p.name.replace("_", " ")))
                for widget in (label, field):
                    widget.setToolTip(about[p.name])
                field.changed.connect(self.changed)
                self.form.addRow(label, field)
                self.fields[p.name], self._labels[p.name] = field, label
        self._shown: dict[str, Any] = {}
        still(self)

    def set_values(self, values: dict[str, Any]) -> None:
        """Show these values; fields that are not among them stay as they are."""
        for name, field in self.fields.items():
            if name in values:
                field.set(values[name])
                self._shown[name] = field.get()

    def changes(self) -> dict[str, Any]:
        return changed(self.fields, self._shown)

    def set_row_visible(self, name: str, visible: bool) -> None:
        self.fields[name].setVisible(visible)
        self._labels[name].setVisible(visible)


def _plain(kind: Any) -> dict[str, Any]:
    """Type and lowest value of ``Annotated[int, Field(ge=1)] | None``, whose bounds are inside of the union."""
    if get_origin(kind) is not Annotated:
        return {}
    plain, info = get_args(kind)
    return {"type": plain, "minimum": next((m.ge for m in info.metadata if hasattr(m, "ge")), None)}


def side_by_side(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    for button in buttons:
        row.addWidget(button, 1)
    return row

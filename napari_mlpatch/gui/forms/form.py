"""Forms made from declarations: one row for each parameter of an operator, a noise model or a method."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QWidget,
)

from napari_mlpatch.core.declare import Parameter, build, format_angles, parameters, parse_angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.page import in_words
from napari_mlpatch.core.registry import Registry
from napari_mlpatch.gui.plumbing.array_box import ArrayBox
from napari_mlpatch.gui.plumbing.dialogs import ask_file
from napari_mlpatch.gui.plumbing.elided import Tick, small
from napari_mlpatch.gui.plumbing.wheel import still

from .boxes import CountBox, NumberBox, short

MOST = 2**31 - 1  # of a QSpinBox
SPELT = {"center": "centre", "color": "colour", "colormap": "colour map", "std": "SD", "snr": "SNR", "dpi": "DPI"}
"""Words in names of parameters that forms write as the rest of the window does."""


class Field(QWidget):
    """The widget of one parameter: ``get``, ``set``, and ``changed`` when the user is done with a change."""

    changed = Signal()

    def __init__(self, parameter: Parameter):
        super().__init__()
        self.parameter = parameter
        self._get, self._set = self._make(parameter)

    def get(self) -> Any:
        return self._get()

    def set(self, value: Any) -> None:
        self.blockSignals(True)
        self._set(value)
        self.blockSignals(False)

    def _make(self, p: Parameter) -> tuple[Callable[[], Any], Callable[[Any], None]]:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        if p.kind == "bool":
            box = QCheckBox()
            box.toggled.connect(self.changed)
            row.addWidget(box)
            return box.isChecked, lambda v: box.setChecked(bool(v))
        if p.kind == "choice":
            combo = short()
            combo.addItems([str(c) for c in p.choices])
            combo.currentIndexChanged.connect(self.changed)
            row.addWidget(combo, 1)
            return lambda: p.choices[combo.currentIndex()], lambda v: combo.setCurrentText(str(v))
        if p.kind in ("int", "float"):
            return self._number(p, row)
        if p.kind == "array":
            box = ArrayBox(p.none_means or "not chosen")
            box.changed.connect(self.changed)
            row.addWidget(box, 1)
            return lambda: box.value, box.set
        return self._text(p, row)

    def _number(self, p: Parameter, row: QHBoxLayout) -> tuple[Callable[[], Any], Callable[[Any], None]]:
        low, high = p.minimum, p.maximum
        if p.kind == "int":
            box: Any = CountBox()
            box.setRange(int(max(-MOST if low is None else low, -MOST)), int(min(MOST if high is None else high, MOST)))
            box.setKeyboardTracking(False)
            convert: Callable[[Any], Any] = int
        else:
            box = NumberBox(-1e12 if low is None else low, 1e12 if high is None else high)
            convert = float
        if p.unit:
            box.setSuffix(f" {p.unit}")
        box.valueChanged.connect(self.changed)
        row.addWidget(box, 1)
        if not p.optional:
            return box.value, lambda v: box.setValue(convert(v))

        auto = Tick(p.none_means)
        auto.setToolTip(f"Tick to leave this open: {p.none_means}")
        row.insertWidget(0, auto)
        auto.toggled.connect(lambda on: _leave_open(box, on, p.unit))
        auto.toggled.connect(self.changed)
        box.setValue(convert(1))

        def set_value(value: Any) -> None:
            auto.setChecked(value is None)
            if value is not None:
                box.setValue(convert(value))
            _leave_open(box, value is None, p.unit)

        return lambda: None if auto.isChecked() else box.value(), set_value

    def _text(self, p: Parameter, row: QHBoxLayout) -> tuple[Callable[[], Any], Callable[[Any], None]]:
        line = QLineEdit()
        line.editingFinished.connect(self.changed)
        row.addWidget(line, 1)
        if p.kind == "angles":
            button = small("…", "Read the angles from a text file")
            button.clicked.connect(lambda: self._angles_from_file(line))
            row.addWidget(button)

            def get() -> Any:
                try:
                    return parse_angles(line.text())
                except ValueError as error:
                    raise InputError(f"{p.name}: {error}") from None

            return get, lambda v: line.setText(v if isinstance(v, str) else format_angles(v or ()))
        if p.kind == "str":
            return line.text, lambda v: line.setText(str(v or ""))
        return (
            lambda: tuple(int(w) for w in line.text().replace("x", " ").replace(",", " ").split()),
            lambda v: line.setText(" x ".join(map(str, v or ()))),
        )

    def _angles_from_file(self, line: QLineEdit) -> None:
        from napari_mlpatch import io
        from napari_mlpatch.gui.plumbing.notify import show_error

        path = ask_file(self, "angles", "Angles, one on each line", "Text (*.txt *.csv *.dat);;All (*)")
        if not path:
            return
        try:
            line.setText(format_angles(io.read_angles(path)))
        except InputError as error:
            show_error(str(error))
            return
        self.changed.emit()


class DeclarationForm(QWidget):
    """All parameters of one declared class, except the hidden ones."""

    changed = Signal()

    def __init__(self, registry: Registry, name: str, hidden: tuple[str, ...] = ()):
        super().__init__()
        self.registry, self.name = registry, name
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.fields: dict[str, Field] = {}
        for p in parameters(registry.get(name)):
            if p.name in hidden:
                continue
            field = Field(p)
            field.set(first_value(p) if p.required else p.default)
            field.changed.connect(self.changed)
            label = QLabel(spelt(p.name) + (" / °" if p.kind == "angles" else ""))
            for widget in (label, field):
                widget.setToolTip(_tooltip(p))
            layout.addRow(label, field)
            self.fields[p.name] = field
        self.rows = layout
        still(self)

    def values(self) -> dict[str, Any]:
        """The parameters as typed. Raises InputError where a text cannot be read."""
        return {name: field.get() for name, field in self.fields.items()}

    def set_values(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name in self.fields:
                self.fields[name].set(value)

    def build(self, **hidden: Any) -> Any:
        """The declared object. Raises InputError that names the bad parameter as its label does."""
        try:
            return build(self.registry, {"name": self.name, "params": self.values() | hidden})
        except InputError as error:
            names = "|".join(sorted(self.fields, key=len, reverse=True))
            label = f"{self.registry.kind} {self.name!r}: "
            raise InputError(
                re.sub(rf"\b({names})\b", lambda found: spelt(found[1]), str(error).removeprefix(label))
            ) from None


def spelt(name: str) -> str:
    """The name of a parameter in words."""
    return " ".join(SPELT.get(word, word) for word in name.removesuffix("_deg").split("_") if word != "db")


def _leave_open(box: CountBox | NumberBox, is_open: bool, unit: str) -> None:
    """A value that is not used is not shown."""
    box.setEnabled(not is_open)
    box.is_open = is_open
    box.setSuffix(f" {unit}" if unit and not is_open else "")


def first_value(p: Parameter) -> Any:
    return {"float": 1.0, "int": max(1, int(p.minimum or 1))}.get(p.kind, ())


def _tooltip(p: Parameter) -> str:
    """Name, meaning, bounds, unit and default."""
    return f"{p.name}: {p.description}{'; ' if p.description else ''}{in_words(p)}"


def section(title: str) -> QLabel:
    """A heading inside a dock."""
    label = QLabel(f"<b>{title}</b>")
    label.setTextFormat(Qt.TextFormat.RichText)
    return label

"""Boxes of forms: whole numbers, numbers of any magnitude, choices."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QSizePolicy, QSpinBox

from napari_mlpatch.gui.plumbing.elided import Box

BUTTONS = 52
"""Pixels of a box that its two buttons and margins take."""


def _fitting(box: QAbstractSpinBox, prefix: str, suffix: str) -> QSize:
    """Room for six digits and the unit; the largest possible number would make it as wide as the window."""
    letters = box.fontMetrics().horizontalAdvance(f"{prefix}0.12345{suffix}")
    return QSize(letters + BUTTONS, QAbstractSpinBox.sizeHint(box).height())


def _as_wide_as_others(box: QAbstractSpinBox) -> None:
    """A box of a form is as wide as the lines and choices above and below it."""
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


class CountBox(QSpinBox):
    """A whole number; empty where it ``is_open``."""

    is_open = False

    def __init__(self) -> None:
        super().__init__()
        _as_wide_as_others(self)

    def textFromValue(self, value: int) -> str:
        return "" if self.is_open else super().textFromValue(value)

    def sizeHint(self) -> QSize:
        return _fitting(self, self.prefix(), self.suffix())

    minimumSizeHint = sizeHint


class NumberBox(QDoubleSpinBox):
    """A float of any magnitude: shown with six digits, steps follow the decade, accepts 1e-3.

    Empty where it ``is_open``.
    """

    is_open = False

    def __init__(self, minimum: float = -1e12, maximum: float = 1e12):
        super().__init__()
        self.setDecimals(15)
        self.setRange(minimum, maximum)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)
        _as_wide_as_others(self)

    def textFromValue(self, value: float) -> str:
        return "" if self.is_open else f"{value:.6g}"

    def valueFromText(self, text: str) -> float:
        return float(text.removesuffix(self.suffix()))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        try:
            self.valueFromText(text)
        except ValueError:
            return QValidator.State.Intermediate, text, position
        return QValidator.State.Acceptable, text, position

    def sizeHint(self) -> QSize:
        return _fitting(self, self.prefix(), self.suffix())

    minimumSizeHint = sizeHint


def short(combo: QComboBox | None = None, letters: int = 10) -> QComboBox:
    """A combo box that does not ask for the width of its longest entry; the list itself is as wide as it needs."""
    combo = Box() if combo is None else combo
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(letters)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo


def choose(combo: QComboBox, *names: str) -> None:
    """Choose the first of the names that is offered."""
    rows = [row for row in map(combo.findData, names) if row >= 0]
    combo.setCurrentIndex(rows[0] if rows else 0)

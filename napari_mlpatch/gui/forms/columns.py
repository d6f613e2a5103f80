"""Several forms below each other that look like one."""

from __future__ import annotations

from qtpy.QtWidgets import QFormLayout, QLabel, QLayout, QWidget
from superqt import QCollapsible

PAGE = (6, 8, 6, 6)
"""Margins of a page."""


def column(*pairs: tuple[str, QWidget | QLayout]) -> QFormLayout:
    """A form whose fields take the width that there is."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    for label, widget in pairs:
        form.addRow(label, widget)
    return form


def tight(box: QCollapsible) -> None:
    """What opens stands below what is around it, not indented."""
    for layout in (box.layout(), box.content().layout()):
        if layout is not None:
            layout.setContentsMargins(0, 2, 0, 2)


def align(*forms: QFormLayout) -> None:
    """Give the labels of several forms one width."""
    items = [form.itemAt(row, QFormLayout.ItemRole.LabelRole) for form in forms for row in range(form.rowCount())]
    labels = [item.widget() for item in items if item is not None]
    labels = [label for label in labels if isinstance(label, QLabel)]
    for label in labels:
        label.setMinimumWidth(0)
    widest = max((label.sizeHint().width() for label in labels), default=0)
    for label in labels:
        label.setMinimumWidth(widest)

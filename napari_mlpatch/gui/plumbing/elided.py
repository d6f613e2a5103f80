"""Controls whose text ends in dots where there is no room for it, instead of in half a letter."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
)

LEAST = 64
"""Pixels of the text of a check box that stay."""
OVER = 2
"""Pixels that a text may be wider than its place: the last letter's own margin."""
SMALL = 26
"""Pixels of a button with one sign."""
BESIDE = 4
"""Pixels that Qt leaves between the icon of a combo box and its text."""


class Box(QComboBox):
    """A combo box; its list shows the whole texts."""

    def paintEvent(self, event: QPaintEvent | None) -> None:
        option, painter = QStyleOptionComboBox(), QStylePainter(self)
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        area = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        picture = 0 if option.currentIcon.isNull() else option.iconSize.width() + BESIDE
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, area.width() - picture + OVER
        )
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Tick(QCheckBox):
    """A check box that can be narrower than its text."""

    def __init__(self, text: str = ""):
        super().__init__(text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        whole = self.sizeHint()
        text = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(whole.width() - max(0, text - LEAST), whole.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        option, painter = QStyleOptionButton(), QStylePainter(self)
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        area = style.subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, self)
        option.text = self.fontMetrics().elidedText(option.text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawControl(QStyle.ControlElement.CE_CheckBox, option)


def small(text: str, tip: str) -> QPushButton:
    """A button beside a line or a box, no wider than its letters; napari's themes give tool buttons no ground."""
    button = QPushButton(text)
    button.setFixedWidth(SMALL)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button


class _Narrow(QStyledItemDelegate):
    """Asks for no width: the view then gives its own, and ends texts in dots."""

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:  # type: ignore[override]
        return QSize(1, super().sizeHint(option, index).height())  # type: ignore[arg-type]


def narrow(view: QAbstractItemView) -> None:
    """Items of a list do not ask for more width than the list has."""
    view.setItemDelegate(_Narrow(view))
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setTextElideMode(Qt.TextElideMode.ElideRight)

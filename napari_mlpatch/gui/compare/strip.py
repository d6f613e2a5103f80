"""Values as a list of bars with one common scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from qtpy.QtWidgets import QWidget

LINE = 19
"""Pixels of a row."""
NAME = 0.42
"""Part of the width for names; the bars have what figures leave of the rest."""
BESIDE = 6
"""Pixels between bars and figures, and at the edge."""
DIGITS, FEWEST, TINY, HUGE = 5, 3, 1e-3, 1e6
"""Digits of a value, and at least; between which of the largest they are written without an exponent."""


@dataclass(frozen=True)
class Row:
    """A name, its colour ("" for that of text), and a value, None where there is none."""

    name: str
    colour: str
    value: float | None


class Strip(QWidget):
    """Bars from zero, or from the smallest value where all lie far above it; with a reference, a line at the first."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.reference = False

    def set_rows(self, rows: list[Row], reference: bool) -> None:
        """Show these; with ``reference``, the first is what the others should be."""
        if (rows, reference) != (self.rows, self.reference):
            self.rows, self.reference = rows, reference
            self.setMinimumHeight(LINE * len(rows))
            self.update()

    def span(self) -> tuple[float, float]:
        """Of the scale: it holds zero and all values."""
        values = [row.value for row in self.rows if row.value is not None and row.value == row.value]
        low, high = min([0.0, *values]), max([0.0, *values])
        return (low, high) if high > low else (0.0, 1.0)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, ink = QPainter(self), self.palette().color(QPalette.ColorRole.WindowText)
        low, high = self.span()
        metrics, written = painter.fontMetrics(), _format([row.value for row in self.rows if row.value is not None])
        figures = [metrics.horizontalAdvance(written(row.value)) for row in self.rows if row.value is not None]
        left = self.width() * NAME
        right = max(self.width() - max(figures, default=0) - 2 * BESIDE, left + 1)

        def x(value: float) -> float:
            return left + (value - low) / (high - low) * (right - left)

        for i, row in enumerate(self.rows):
            top, middle = i * LINE, i * LINE + LINE / 2
            colour = QColor(row.colour) if row.colour else ink
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QRectF(3, middle - 4, 8, 8))
            painter.setPen(ink)
            name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, int(left - 22))
            flags = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(16, top, left - 18, LINE), flags | Qt.AlignmentFlag.AlignLeft, name)
            if row.value is None:
                continue
            rest = QRectF(right + BESIDE, top, self.width() - right - 1.5 * BESIDE, LINE)
            painter.drawText(rest, flags | Qt.AlignmentFlag.AlignRight, written(row.value))
            if row.value == row.value:
                start, end = sorted((x(0.0), x(row.value)))
                painter.fillRect(QRectF(start, top + 4, max(end - start, 1.0), LINE - 8), colour)
        first = self.rows[0].value if self.rows else None
        if self.reference and first is not None and first == first:
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
            painter.drawLine(int(x(first)), 0, int(x(first)), LINE * len(self.rows))
        painter.end()


def _format(values: Sequence[float]) -> Callable[[float], str]:
    """How values are written in a column: five digits of the largest, as many decimals of all that show three digits in
    these, and five digits of others."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    decimals = max(DIGITS - 1 - math.floor(math.log10(largest)), 0) if TINY <= largest < HUGE else -1

    def write(value: float) -> str:
        shows = decimals >= 0 and (value == 0 or abs(value) >= 10.0 ** (FEWEST - 1 - decimals))
        return f"{value:.{decimals}f}" if shows else f"{value:.{DIGITS}g}"

    return write

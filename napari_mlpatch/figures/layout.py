"""Where the parts of a figure lie, in inches and as shares of the figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .labels import fitted
from .panel import Panel
from .style import Style

INCH = 25.4  # mm
LINE = 1.35
"""Height of a line of text, in terms of the letters' size."""
Place = tuple[float, float, float, float]
"""Left, bottom, width, height, as shares of the figure."""


@dataclass(frozen=True)
class Layout:
    """Rows of cells: each has the label, the picture, the error where there is one, and lines of text."""

    width: float
    height: float
    columns: int
    cell: tuple[float, float]
    """Width and height of a picture."""
    gap: float
    above: float
    """Of the label."""
    below: float
    """Of the lines."""
    with_errors: bool
    count: int
    inset_size: tuple[float, float]
    inset_corner: str
    labels: tuple[str, ...]
    """As they are written."""
    label_size: float
    """Of their letters, in points."""

    @classmethod
    def of(cls, panels: Sequence[Panel], style: Style, scale: tuple[float, float]) -> Layout:
        """The layout that fills the width."""
        points = style.font_size / 72.0
        columns = min(style.columns or _columns(len(panels)), len(panels))
        width, gap = style.millimetres / INCH, 0.35 * points + 0.02
        bar = 6.2 * points + (1.5 * points if style.color_label or style.error_row else 0.0) if style.color_bar else 0.0
        across = (width - bar - gap * (columns + 1)) / columns
        rows, cells = panels[0].picture.shape
        cell = (across, across * rows * scale[0] / (cells * scale[1]))
        letters = [f"{chr(ord('a') + i % 26)}  " if style.letters else "" for i in range(len(panels))]
        named = [f"{letter}{panel.label}" for letter, panel in zip(letters, panels, strict=True)]
        labels, size = fitted(named, style.font_size, 72 * (across + gap))
        label_lines = max(label.count("\n") + 1 if label else 0 for label in labels)
        lines = max((len(panel.lines) for panel in panels), default=0)
        with_errors = style.error_row and any(panel.error is not None for panel in panels)
        above, below = LINE * points * label_lines + gap, 0.9 * LINE * points * lines + gap
        block = above + cell[1] * (2 if with_errors else 1) + gap * with_errors + below
        region = style.region or (0, 1, 0, 1)
        wide = style.inset_share * cell[0]
        high = wide * (region[1] - region[0]) * scale[0] / ((region[3] - region[2]) * scale[1])
        if high > 0.8 * cell[1]:
            wide, high = wide * 0.8 * cell[1] / high, 0.8 * cell[1]
        height = math.ceil(len(panels) / columns) * block + gap
        inset = (wide, high), style.inset_corner
        return cls(width, height, columns, cell, gap, above, below, with_errors, len(panels), *inset, labels, size)

    def picture(self, i: int) -> Place:
        left, top = self._corner(i)
        return self._place(left, top, *self.cell)

    def error(self, i: int) -> Place:
        left, top = self._corner(i)
        return self._place(left, top + self.cell[1] + self.gap, *self.cell)

    def texts(self, i: int) -> tuple[float, float, float]:
        """Middle of the cell, lower end of the label, upper end of the lines."""
        left, top = self._corner(i)
        end = top + self.cell[1] * (2 if self.with_errors else 1) + self.gap * self.with_errors
        middle = (left + self.cell[0] / 2) / self.width
        return middle, 1 - (top - 0.5 * self.gap) / self.height, 1 - (end + 0.5 * self.gap) / self.height

    def inset(self, i: int) -> Place:
        left, top = self._corner(i)
        wide, high = self.inset_size
        if "right" in self.inset_corner:
            left += self.cell[0] - wide
        if "lower" in self.inset_corner:
            top += self.cell[1] - high
        return self._place(left, top, wide, high)

    def bar(self, which: int) -> Place:
        """Of the colour bar of the pictures (0), as high as all rows where no errors are, or of the errors (1)."""
        left = self.gap + self.columns * (self.cell[0] + self.gap) + 0.01
        top = self._corner(0)[1] + which * (self.cell[1] + self.gap)
        last = self._corner(self.count - 1)[1]
        high = self.cell[1] if self.with_errors else last + self.cell[1] - top
        return self._place(left, top, 0.03 * min(self.cell[0], 2.0) + 0.04, high)

    def _corner(self, i: int) -> tuple[float, float]:
        """Left and top of a picture, from the figure's left and upper edge."""
        row, column = divmod(i, self.columns)
        block = self.above + self.cell[1] * (2 if self.with_errors else 1) + self.gap * self.with_errors + self.below
        return self.gap + column * (self.cell[0] + self.gap), row * block + self.above

    def _place(self, left: float, top: float, wide: float, high: float) -> Place:
        return left / self.width, 1 - (top + high) / self.height, wide / self.width, high / self.height


def _columns(count: int) -> int:
    return count if count <= 5 else math.ceil(count / math.ceil(count / 5))

"""Plots whose letters and axes can be read in every theme."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph
from qtpy.QtCore import QSize

from .instead import Instead
from .theme import PLAIN, Themed

APART = 13
"""Pixels between two numbers at an axis."""
HINT = (180, 180)
"""Width and height in pixels that a plot asks for; it takes what it gets."""
MARGINS = (2, 8, 8, 4)
"""Pixels left, above, right and below: half of the last number and the feet of the label stand there."""


class _Axis(pyqtgraph.AxisItem):
    """An upright axis: of a logarithm, numbers that would lie on each other are left out, the decades last.

    Where less than a decade is on show, pyqtgraph may find no number at all: then there are some at equal steps.
    """

    fine = False

    def logTickValues(self, minVal: float, maxVal: float, size: float, stdTicks: Any) -> Any:
        ticks = super().logTickValues(minVal, maxVal, size, stdTicks)
        seen = {round(float(place), 9) for _, places in ticks for place in places if minVal <= place <= maxVal}
        self.fine = len(seen) < 2 and minVal < maxVal
        return [(None, even_steps(minVal, maxVal))] if self.fine else ticks

    def logTickStrings(self, values: Any, scale: float, spacing: float) -> list[str]:
        written = [f"{10.0**place * scale:.6g}" for place in values]
        texts = written if self.fine else super().logTickStrings(values, scale, spacing)
        low, high = self.range
        per_pixel = (high - low) / max(self.size().height(), 1.0)
        is_minor = spacing is None
        taken = [float(n) for n in range(math.floor(low), math.ceil(high) + 1)] if is_minor and not self.fine else []
        shown = [""] * len(texts)
        for i, place in enumerate(values):
            if all(abs(place - other) >= APART * per_pixel for other in taken):
                shown[i] = texts[i]
                taken.append(place)
        return shown


def even_steps(low: float, high: float) -> list[float]:
    """Decadic logarithms of two to ten round numbers at equal steps, between two decadic logarithms."""
    first, last = 10.0**low, 10.0**high
    power = 10.0 ** math.floor(math.log10(last - first))
    step = next(s for s in (power, power / 2, power / 5, power / 10) if last // s - first // s >= 2)
    return [math.log10(k * step) for k in range(math.ceil(first / step), math.floor(last / step) + 1)]


class Plot(Themed, pyqtgraph.PlotWidget):
    """A plot without a background of its own."""

    def __init__(self, **options: Any):
        axes = {"left": _Axis("left")}
        super().__init__(background=None, axisItems=axes, **options)  # pyright: ignore[reportArgumentType]
        self._plain: list[pyqtgraph.PlotDataItem] = []
        self.getPlotItem().layout.setContentsMargins(*MARGINS)
        self.instead = Instead(self)
        self.follow_theme()

    def sizeHint(self) -> QSize:
        """As low as a plot may be: pyqtgraph's hint is 640 x 480, and what scrolls would grow to it."""
        return QSize(*HINT)

    def say(self, words: str) -> None:
        """Words instead of bare axes, while there is nothing to draw: what will stand there. Without any, the axes."""
        self.instead.say(words)
        self.getPlotItem().setOpacity(0.0 if words else 1.0)  # hidden ones lose the room of their axes

    def plot_plain(self) -> pyqtgraph.PlotDataItem:
        """A curve in the colour of letters."""
        self._plain.append(self.plot(pen=pyqtgraph.mkPen(PLAIN[self._shade], width=2)))
        return self._plain[-1]

    def paint_theme(self, shade: str) -> None:
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pyqtgraph.mkPen(PLAIN[shade]))
            axis.setTextPen(pyqtgraph.mkPen(PLAIN[shade]))
        for curve in self._plain:
            curve.setPen(pyqtgraph.mkPen(PLAIN[shade], width=2))
        viewport = self.viewport()
        if viewport is not None:
            self.resetCachedContent()  # or what is behind the curves stays as it was
            viewport.update()

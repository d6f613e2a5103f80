"""How results converge: one curve for each, in the colour of its row of the table, which is their legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import pyqtgraph
from qtpy.QtCore import QTimer

from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.gui.plumbing.plot import Plot
from napari_mlpatch.workbench.entry import Entry

from .colours import colour_of

DELAY_MS = 60
"""Curves are drawn a while after what asks for them, so that a new picture and they are not painted in one go."""

FALL = 20.0
"""Decibels below the best that a plot reaches: what diverges leaves it, and the others can be told apart."""

FIRST = ("psnr", "objective", "relative_residual", "change")
EMPTY = "Curves of all ticked results of several iterations come here: PSNR, residual, objective..."
LATEST = 20
"""Rows of a history that are asked for what there is: some quantities are told every tenth iteration."""


def quantities(histories: Iterable[Sequence[dict[str, float]]]) -> dict[str, str]:
    """What histories hold, in words, by key. What all of them hold comes first, as only that compares them.

    Within each, the usual ones come first, then whatever else a method tells. Histories of nothing do not count, nor
    does the weight, which is the same from the first iteration to the last.
    """
    each = [{key for row in rows[-LATEST:] for key in row} - {"k", "seconds", "weight"} for rows in histories]
    each = [keys for keys in each if keys]
    known, common = set().union(*each), set(each[0]).intersection(*each) if each else set()
    words = {metric.key: metric.heading for metric in METRICS}
    usual = {key: i for i, key in enumerate(FIRST)}
    order = sorted(known, key=lambda key: (key not in common, usual.get(key, len(FIRST)), key))
    return {key: words.get(key, key.replace("_", " ")) for key in order}


class Curves(Plot):
    """A quantity of every entry over iterations or seconds."""

    def __init__(self, due: Callable[[], None]):
        super().__init__()
        self.setMinimumWidth(180)
        self.say(EMPTY)
        self._items: dict[tuple[int, str, str], pyqtgraph.PlotDataItem] = {}
        self._drawn: dict[tuple[int, str, str], tuple[list[float], list[float]]] = {}
        self._framed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(due)

    def draw_soon(self) -> None:
        """Call ``due`` after a moment, once for all that ask."""
        if not self._timer.isActive():
            self._timer.start()

    def draw(self, entries: list[Entry], key: str, by: str) -> None:
        """Draw ``key`` of the histories over ``by`` ("k" or "seconds"), of results in the table's order.

        Only what is new is made anew.
        """
        found = {}
        is_positive = key != "psnr"
        for entry in entries:
            rows = [row for row in list(entry.job.history) if key in row]
            if not rows:
                continue
            colour = colour_of(entry.number)
            mark = (entry.id, entry.named.line, colour)
            item = self._items.pop(mark, None)
            if item is None:
                item = self.plot(pen=pyqtgraph.mkPen(colour, width=2), symbolBrush=colour, name=entry.named.line)
            symbol = "o" if len(rows) == 1 else None
            is_positive = is_positive and all(row[key] > 0 for row in rows)
            values = ([row[by] for row in rows], [row[key] for row in rows])
            if self._drawn.get(mark) != values:
                item.setData(*values, symbol=symbol)
                self._drawn[mark] = values
            found[mark] = item
        for item in self._items.values():
            self.removeItem(item)
        self._items, self._drawn = found, {mark: self._drawn[mark] for mark in found}
        self.setLogMode(y=is_positive and bool(found))
        self.say("" if found else EMPTY)
        self._frame([v for mark in found for v in self._drawn[mark][1]] if key == "psnr" else [])

    def _frame(self, decibels: list[float]) -> None:
        """Where a curve falls far below the best, show what is near to it; a person may still move the plot."""
        top = max(filter(math.isfinite, decibels), default=0.0)
        if any(value < top - FALL for value in decibels):
            self.setYRange(top - FALL, top)
            self._framed = True
        elif self._framed:
            self.enableAutoRange(axis="y")
            self._framed = False

"""What a run will cost, and what is left of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

RECENT = 10
LEAST = 0.3
"""Part of the expected time below which the span of it does not reach."""
MACHINE = 1.2
"""Factor by which the same work takes more time at one moment than at another."""


@dataclass(frozen=True)
class Cost:
    """What a run takes at most: all of its iterations. One that stops by its tolerance takes less time.

    ``seconds`` are ``setup`` and ``iterations`` times ``per_iteration``. ``bytes`` are the operator's tables and the
    most that the run holds beside them.
    """

    setup: float
    per_iteration: float
    iterations: int
    bytes: int
    fastest: float | None = None
    slowest: float | None = None
    """Seconds of single iterations that were measured; None where it was one."""

    @property
    def span(self) -> tuple[float, float]:
        """Between what and what ``seconds`` may be: by the fastest and by the slowest iteration that was measured."""
        low, high = self.fastest or self.per_iteration, self.slowest or self.per_iteration
        return _spread(*(self.setup + self.iterations * each for each in (low, high)))

    @property
    def seconds(self) -> float:
        return self.setup + self.iterations * self.per_iteration


def remaining(history: Sequence[dict[str, float]], total: int) -> float | None:
    """Seconds that a run will still take at most, from its latest iterations: rows with ``k`` and ``seconds``.

    None before there is one. Of a continued run, only what came after the last gap in ``k`` or ``seconds`` counts.
    """
    if not history:
        return None
    recent = history[-RECENT - 1 :]
    first, last = recent[0], recent[-1]
    if len(recent) == 1:
        return last["seconds"] / max(last["k"], 1) * max(total - last["k"], 0)
    pace = (last["seconds"] - first["seconds"]) / max(last["k"] - first["k"], 1)
    return pace * max(total - last["k"], 0)


def left(history: Sequence[dict[str, float]], total: int) -> tuple[float, float] | None:
    """Between what and what the seconds that a run will still take at most may be: see ``remaining``.

    Twice the standard error of the mean of its latest iterations to each side. None before there is one.
    """
    seconds = remaining(history, total)
    if seconds is None:
        return None
    recent = history[-RECENT - 1 :]
    steps = [(b["seconds"] - a["seconds"]) / (b["k"] - a["k"]) for a, b in pairwise(recent) if b["k"] > a["k"]]
    if len(steps) < 4 or seconds <= 0.0:
        return _spread(seconds, seconds)
    part = 2.0 * stdev(steps) / math.sqrt(len(steps)) / fmean(steps)
    return _spread(seconds * max(1.0 - part, LEAST), seconds * (1.0 + part))


def _spread(low: float, high: float) -> tuple[float, float]:
    """A span that is at least as wide as times on a machine with other things to do are."""
    middle = math.sqrt(max(low, 0.0) * max(high, 0.0))
    return min(low, middle / MACHINE), max(high, middle * MACHINE)

"""The arcs that the views of a scan stand for.

All here is continuous in the angles: views may coincide, drift apart and leave gaps that slowly grow, and nothing
jumps. Sorted round a circle, each view stands for half of the gap to either neighbour, the trapezoid rule. Three things
are added to it.

*Views that nearly coincide share.* Each hands its arc in equal parts to all within a quarter of the typical step.

*The typical step* (``Steps``) is a mean of log gaps between quantiles that count gaps by their length, so that any
number of coincident views adds nothing, and where a gap counts as 10 degrees (of 180) at most, so that a missing wedge
adds little.

*Wide gaps are not filled.* Of a gap up to so many long steps all is given to its neighbours, of a much wider one only a
typical step, half to either side; the rest is a hole. Long steps are those of the sparser half of the scan, without its
widest gap: random angles have gaps of several typical steps, which have to be filled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

FILLED_TO_OPEN = (4.0, 16.0)  # long steps; in between a gap is filled in part
ANY_WIDTH = (math.inf, math.inf)
TOGETHER = 0.25  # typical steps within which views share their arcs
LARGEST_SHARE = 1.0 / 18.0  # of the circle, that one gap counts for


@dataclass(frozen=True, eq=False)
class Steps:
    """Views round a circle of ``period`` degrees: ``place`` ``[n]`` in increasing order and the ``gap`` after each.

    Gaps are filled, and open, from so many long steps on, ``limits``, or so many degrees, ``widest``, if that is less.
    """

    place: np.ndarray
    gap: np.ndarray
    period: float
    limits: tuple[float, float] = FILLED_TO_OPEN
    widest: tuple[float, float] = ANY_WIDTH

    @classmethod
    def of(cls, angles_deg: Iterable[float], period: float, **limits: tuple[float, float]) -> Steps:
        place = np.sort(np.mod(np.asarray(tuple(angles_deg), dtype=float), period))
        return cls(place, np.diff(np.append(place, place[0] + period)), period, **limits)

    @cached_property
    def typical(self) -> float:
        return _middle(self.gap, np.minimum(self.gap, LARGEST_SHARE * self.period), 0.1, 0.6)

    @cached_property
    def long(self) -> float:
        if len(self.gap) < 3:
            return self.typical
        gap = np.sort(self.gap)
        gap[-1] = gap[-2]  # a missing wedge, if there is one
        if gap[-1] <= 0.0:  # all views coincide
            return self.typical
        return max(self.typical, _middle(gap, np.minimum(gap, 4.0 * self.typical), 0.5, 0.9))

    @cached_property
    def openness(self) -> np.ndarray:
        """``[n]``, how much of each gap is left open: from 0, no more than a step, to 1, a missing wedge."""
        low, high = (min(n, degrees / self.long) for n, degrees in zip(self.limits, self.widest, strict=True))
        part = np.clip((self.gap / self.long - low) / (high - low), 0.0, 1.0)
        return part * part * (3.0 - 2.0 * part)

    @cached_property
    def filled(self) -> np.ndarray:
        """``[n]``, degrees of each gap that its neighbours stand for."""
        return self.gap - self.openness * np.maximum(self.gap - self.typical, 0.0)


def _middle(values: np.ndarray, weights: np.ndarray, low: float, high: float) -> float:
    """Geometric mean of the values between two of their weighted quantiles, continuous in both."""
    order = np.argsort(values)
    values, weights = values[order], weights[order] / weights.sum()
    end = np.cumsum(weights)
    part = np.maximum(np.minimum(end, high) - np.maximum(end - weights, low), 0.0)
    used = part > 0
    return float(np.exp((part[used] * np.log(values[used])).sum() / part[used].sum()))


def arcs(angles_deg: Iterable[float], period: float, **limits: tuple[float, float]) -> np.ndarray:
    """The arc in radians ``[n]`` that each angle stands for on a circle of ``period`` degrees, in the order given.

    ``limits`` and ``widest`` are those of ``Steps``.
    """
    angles = np.mod(np.asarray(tuple(angles_deg), dtype=float), period)
    steps = Steps.of(angles, period, **limits)
    arc = 0.5 * (steps.filled + np.roll(steps.filled, 1))
    shared = _shared(steps.place, arc, min(TOGETHER * steps.typical, 0.25 * period), period)
    result = np.empty(len(angles))
    result[np.argsort(angles, kind="stable")] = shared
    return np.radians(result)


def _shared(place: np.ndarray, arc: np.ndarray, width: float, period: float) -> np.ndarray:
    """Arcs handed to all views within ``width``, in parts that fall linearly with the distance; their sum stays."""
    n = len(place)
    around = np.concatenate([place - period, place, place + period])
    left = np.searchsorted(around, place - width)
    right = np.searchsorted(around, place + width)

    def spread(values: np.ndarray) -> np.ndarray:
        """Sum over the views l near k of ``values[l] (1 - |distance| / width)``, from cumulative sums."""
        three = np.tile(values, 3)
        total = np.concatenate([[0.0], np.cumsum(three)])
        moment = np.concatenate([[0.0], np.cumsum(three * around)])
        here = np.arange(n) + n
        below = (total[here] - total[left]) * place - (moment[here] - moment[left])
        above = (moment[right] - moment[here]) - (total[right] - total[here]) * place
        return (total[right] - total[left]) - (below + above) / width

    return spread(arc / spread(np.ones(n)))

"""The line of an axis that leans, from rows that are put together across it.

Behind a leaning axis a row of the detector sees other heights of the object after half a turn than before, at bin s by
2 (s - c) tan φ rows: what changes there with the height draws its centre towards that of an upright axis, so that the
tilt of the centres of such rows is too small. Along a line across the axis it does not:

    y_r(θ, s) = p(θ, r - (s - c) tan φ, s)   has its centre at c(r) = c₀ + (r - m) tan φ.

φ is where the centres of these rows have the slope that they are put together with: a root, found by secants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from napari_mlpatch.core.errors import InputError

from .axis_line import AxisLine, find_axis

LEAST_LEAN = 0.1
"""Rows at the end of the detector, by which an axis has to lean that this is worth it."""
MOST_STEEP = math.tan(math.radians(5.0))
ROUNDS = 5
CLOSE = 0.02
"""Bins over the whole height: a change of the slope by less is none."""
AT_ONCE = 8
"""Rows that are read at a time."""
UNSETTLED = "the tilt did not settle"

Read = Callable[[int, int], np.ndarray]


def find_leaning_axis(read: Read, rows: Sequence[int], angles_deg: np.ndarray, count: int) -> AxisLine:
    """As ``find_axis``, of a stack whose rows first to last ``read`` gives, ``[rows, angles, bins]``.

    The line has a note where no root is found. Raises InputError where fewer than three centres lie on a line.
    """
    line = find_axis([read(row, row + 1)[0] for row in rows], rows, angles_deg, count)
    bins = read(rows[0], rows[0] + 1).shape[-1]
    if _is_upright(line.slope, bins):
        return line
    tried, slope = [(0.0, line.slope)], line.slope
    for _ in range(ROUNDS):
        if _is_upright(slope, bins) or abs(slope) > MOST_STEEP:
            break
        reach = math.ceil(abs(slope) * max(line.center, bins - 1 - line.center)) + 2
        inside = _inside(rows, reach, count)
        across = [across_axis(read, row, slope, float(line.at([row])[0]), count) for row in inside]
        try:
            found = find_axis(across, inside, angles_deg, count)
        except InputError:
            break
        line = found
        tried.append((slope, found.slope))
        (x0, y0), (x1, y1) = tried[-2:]
        f0, f1 = y0 - x0, y1 - x1
        change = -f1 * (x1 - x0) / (f1 - f0) if abs(f1 - f0) > 1e-12 else f1
        change = float(np.clip(change, -abs(slope), abs(slope)))
        slope += change
        if abs(change) * count < CLOSE:
            return _with_slope(line, slope)
    return replace(line, note=UNSETTLED)


def _is_upright(slope: float, bins: int) -> bool:
    return abs(slope) * bins / 2 < LEAST_LEAN


def _with_slope(line: AxisLine, slope: float) -> AxisLine:
    """Turned about the middle of the rows that it comes from."""
    row = float(np.mean(list(line.used)))
    return replace(line, slope=slope, center=float(line.at(np.array([row]))[0]) + slope * (line.middle - row))


def across_axis(read: Read, row: int, slope: float, center: float, count: int) -> np.ndarray:
    """What lies at one height of the axis, ``[angles, bins]``: row - (s - center) slope, by cubic convolution."""
    (first,) = read(row, row + 1)
    height = np.clip(row - (np.arange(first.shape[-1]) - center) * slope, 0, count - 1)
    low, high = max(math.floor(height.min()) - 1, 0), min(math.ceil(height.max()) + 2, count)
    out = np.zeros_like(first)
    for start in range(low, high, AT_ONCE):
        for k, y in enumerate(read(start, min(start + AT_ONCE, high)), start):
            weight = _keys(height - k)
            if k == 0:  # it goes on as it ends
                weight = weight + _keys(height + 1)
            if k == count - 1:
                weight = weight + _keys(height - count)
            seen = weight != 0
            out[:, seen] += y[:, seen] * weight[seen].astype(np.float32)
    return out


def _keys(t: np.ndarray) -> np.ndarray:
    """R. G. Keys, Cubic convolution interpolation for digital image processing, IEEE Trans. ASSP 29, 1153 (1981)."""
    t = np.abs(t)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0.0))


def _inside(rows: Sequence[int], reach: int, count: int) -> list[int]:
    """As many rows as these, where lines across the axis do not leave the detector, if it is high enough."""
    low, high = max(min(rows), reach), min(max(rows), count - 1 - reach)
    if high - low < (max(rows) - min(rows)) / 2:
        return list(rows)
    return sorted({round(k) for k in np.linspace(low, high, len(rows))})

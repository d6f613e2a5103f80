"""The centre of rotation from rows that do not end in air: only where opposite views overlap are they compared.

With the axis at c, ``y(theta + 180, s) = y(theta, 2c - s)`` for all s whose mirror image lies on the detector too,
however little of it that is (half acquisition: the axis near an end, the object wider than what one view sees). For
each 2c the slopes a, b of the two rows are compared there,

    E(c) = sum |a - b|² / sum (|a|² + |b|²),

0 for the right c without noise and about 1 for wrong ones. Slopes, so that a flat region tells nothing, of rows that
are smoothed over five bins. Where both rows are flat, in air, nothing says that c is right: E is 1 then. A parabola
refines the best c; how far groups of views disagree tells the uncertainty.
"""

from __future__ import annotations

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.core.errors import InputError

GROUPS = 8  # of views, whose centres tell the uncertainty
RIVAL = 4.0  # bins from the centre that another one has to be
PARABOLA = 0.02  # bins that it may be off
LEAST_OVERLAP_BINS = 6  # of slopes
SMOOTH = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
SIGNAL = 1e-3  # of the largest power of any overlap; one with less holds no evidence
CUT = 0.1  # of the largest mean value of a bin, by which the ends of rows differ


def is_cut(y: np.ndarray) -> bool:
    """Whether rows ``[angles, bins]`` end higher at one end of the detector than at the other: it cuts the object."""
    k = 1 + y.shape[1] // 64
    profile = y.mean(0)
    low, high = y[:, :k].mean(), y[:, -k:].mean()
    error = np.diff(y, axis=1).std() / np.sqrt(y.shape[0] * k)
    return bool(abs(high - low) > max(CUT * (profile.max() - min(low, high)), 5.0 * error))


def mismatch(first: np.ndarray, opposite: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Candidates c in half bins and E of each, from rows ``[pairs, bins]`` and those half a turn on."""
    least = LEAST_OVERLAP_BINS + len(SMOOTH)
    if first.shape[1] < least:
        raise InputError(
            f"The object is cut off at one side of the detector, and {first.shape[1]} bins are too few to compare "
            f"opposite views where they overlap: at least {least} are needed. Give the centre."
        )
    a, b = _slopes(first), -_slopes(opposite)
    n = a.shape[1]
    size = scipy.fft.next_fast_len(2 * n)
    products = scipy.fft.irfft((scipy.fft.rfft(a, size) * scipy.fft.rfft(b, size)).sum(0), size)[: 2 * n - 1]
    total_a, total_b = (np.concatenate([[0.0], np.cumsum(np.square(v).sum(0))]) for v in (a, b))
    m = np.arange(2 * n - 1)
    low, high = np.maximum(0, m - n + 1), np.minimum(n - 1, m) + 1  # the slopes that overlap
    power = total_a[high] - total_a[low] + total_b[high] - total_b[low]
    used = high - low >= LEAST_OVERLAP_BINS
    power, products = power[used], products[used]
    energy = np.ones_like(power)
    np.divide(power - 2.0 * products, power, out=energy, where=power > SIGNAL * power.max())
    return (m[used] + len(SMOOTH)) / 2.0, energy


def _slopes(rows: np.ndarray) -> np.ndarray:
    """Without the ends, where the smoothing would be another one."""
    return np.diff(scipy.ndimage.convolve1d(rows, SMOOTH, axis=1)[:, 2:-2], axis=1)


def from_overlap(
    first: np.ndarray, opposite: np.ndarray, bounds: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Centre and standard deviation; that is the distance to another centre where one is nearly as good.

    Raises InputError for bounds that lie where opposite views hardly overlap.
    """
    candidates, energy = mismatch(first, opposite)
    low, high = bounds or (candidates[0], candidates[-1])
    inside = (candidates > low - 0.5) & (candidates < high + 0.5)  # the nearest beyond the bounds too
    if not inside.any():
        raise InputError(
            f"The centre cannot be searched from {low:g} to {high:g}: opposite views overlap too little there. Bounds "
            f"between {candidates[0]:g} and {candidates[-1]:g} can be compared; else give the centre."
        )
    start = int(np.argmax(inside))
    best = start + int(np.argmin(energy[inside]))
    center = float(np.clip(_vertex(candidates, energy, best), low, high))
    other = rival(candidates[inside], energy[inside], RIVAL)
    parts = []
    for some in np.array_split(np.arange(len(first)), min(GROUPS, len(first))):
        place, part = mismatch(first[some], opposite[some])
        near = np.where(np.abs(place - center) <= 3.0, part, np.inf)
        parts.append(_vertex(place, part, int(np.argmin(near))))
    deviation = float(np.hypot(np.std(parts) / np.sqrt(max(len(parts) - 1, 1)), PARABOLA))
    if energy[best] >= 1.0:  # no evidence for any
        deviation = float(high - low)
    return center, deviation if other is None else max(deviation, abs(other - center))


def rival(candidates: np.ndarray, energy: np.ndarray, distance: float) -> float | None:
    """Another minimum, farther away, more than half as good, as with noise alone; one clear minimum has none."""
    best = int(np.argmin(energy))
    inner = energy[1:-1]
    is_minimum = (
        (inner < energy[:-2]) & (inner <= energy[2:]) & (np.abs(candidates[1:-1] - candidates[best]) > distance)
    )
    if not is_minimum.any():
        return None
    other = 1 + int(np.argmin(np.where(is_minimum, inner, np.inf)))
    good_enough = energy[other] - energy[best] < 0.5 * (np.median(energy) - energy[best])
    return float(candidates[other]) if good_enough else None


def _vertex(place: np.ndarray, energy: np.ndarray, best: int) -> float:
    """Of the parabola through the smallest value and its neighbours."""
    if not 0 < best < len(place) - 1:
        return float(place[best])
    left, middle, right = energy[best - 1 : best + 2]
    curvature = left - 2.0 * middle + right
    offset = 0.5 * (left - right) / curvature if curvature > 0 else 0.0
    return float(place[best] + np.clip(offset, -1, 1) * (place[1] - place[0]))

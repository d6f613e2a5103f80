"""Where the axis of rotation lies at each height, from the centres of several slices: a straight line, and its tilt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators.center import find_center

LEAST = 3
"""Slices with a centre, from which on a line can be told from a wrong centre."""
MOST_UNSURE = 2.0
"""Bins of uncertainty, beyond which a centre is none."""
NEAR = 0.3
"""Bins within which a centre agrees with the line in any case."""


@dataclass(frozen=True)
class AxisLine:
    """The centre of rotation at each row of the detector, ``center + slope (row - middle)``, in bins.

    ``used`` are the rows that it comes from with their centres, ``left_out`` those that contradict it or have none,
    with the reason. ``uncertainty`` is one standard deviation of ``slope``, in bins a row; ``residual`` the rms
    distance of the centres used from the line, in bins. ``note`` says what is to be known before it is relied on.
    """

    center: float
    slope: float
    middle: float
    used: dict[int, float]
    left_out: dict[int, str]
    uncertainty: float
    residual: float
    note: str = ""

    @property
    def tilt_deg(self) -> float:
        """Of the axis against the columns of the detector: parameter ``degrees`` of the step ``tilt``."""
        return math.degrees(math.atan(self.slope))

    def at(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Centres at these rows, in bins."""
        return self.center + self.slope * (np.asarray(rows, float) - self.middle)


def find_axis(sinograms: Sequence[np.ndarray], rows: Sequence[int], angles_deg: np.ndarray, count: int) -> AxisLine:
    """The line of the centres of ``sinograms``: ``[angles, bins]``, line integrals, of these ``rows`` of ``count``.

    Each centre is found by itself (``find_center``); a line of the median slope between any two of them (Theil & Sen)
    tells those that are wrong, a least-squares line through the others is the result. Five slices well apart are a good
    number. Where the axis leans and the object is not the same at all heights, the slope is off, by a tenth or more:
    ``find_leaning_axis`` corrects that. Raises InputError where fewer than three centres lie on a line, with those
    found.
    """
    found: dict[int, float] = {}
    left_out: dict[int, str] = {}
    for row, y in zip(rows, sinograms, strict=True):
        try:
            center = find_center(y, angles_deg)
        except InputError as error:
            left_out[int(row)] = str(error)
            continue
        if center.uncertainty > MOST_UNSURE:
            left_out[int(row)] = center.note
        else:
            found[int(row)] = center.value
    return line_through(found, count, left_out)


def line_through(centers: dict[int, float], count: int, left_out: dict[int, str] | None = None) -> AxisLine:
    """The line of the centres at some rows of ``count``: see ``find_axis``."""
    from scipy.stats import theilslopes

    left_out = dict(left_out or {})
    z, c = np.array(list(centers), float), np.array(list(centers.values()), float)
    seen = ", ".join(f"{value:.2f} at row {row}" for row, value in centers.items()) or "none"
    if len(set(z)) < LEAST:
        raise InputError(f"The axis needs the centres of {LEAST} slices or more, found {seen}. {_why(left_out)}")
    slope, center, *_ = theilslopes(c, z)
    off = np.abs(c - center - slope * z)
    good = off <= max(NEAR, 4 * 1.4826 * float(np.median(off)))
    for row, value in zip(z[~good].astype(int).tolist(), c[~good].tolist(), strict=True):
        left_out[row] = f"its centre, {value:.2f}, is off the line of the others"
    z, c = z[good], c[good]
    if len(z) < LEAST:
        raise InputError(f"The centres lie on no line: {seen}. {_why(left_out)}")
    middle = (count - 1) / 2
    slope, center = np.polyfit(z - middle, c, 1)
    rest = c - center - slope * (z - middle)
    freedom = max(len(z) - 2, 1)
    uncertainty = math.sqrt(float((rest**2).sum()) / freedom / float(((z - z.mean()) ** 2).sum()))
    used = dict(zip(z.astype(int).tolist(), c.tolist(), strict=True))
    return AxisLine(float(center), float(slope), middle, used, left_out, uncertainty, float(np.sqrt(np.mean(rest**2))))


def _why(left_out: dict[int, str]) -> str:
    first = next(iter(left_out.items()), None)
    return "Give the centres." if first is None else f"Row {first[0]}: {first[1]}"

"""Rows of a sinogram moved by parts of a bin, with cubic splines."""

from __future__ import annotations

import numpy as np
import scipy  # its parts load when they are used

MARGIN = 12
"""Bins after which a cubic spline has forgotten a value, to 1e-7: (2 - √3)^12."""


def moved(y: np.ndarray, by: float) -> np.ndarray:
    """``y[..., bins]`` moved by ``by`` bins to higher ones: ``out[s] = y[s - by]``; beyond the ends as at the end.

    Whole bins are copied, parts interpolated by a cubic spline (Unser, Aldroubi & Eden 1993).
    """
    whole = int(np.floor(by))
    part = by - whole
    source = np.clip(np.arange(-MARGIN, y.shape[-1] + MARGIN) - whole, 0, y.shape[-1] - 1)
    if part == 0.0:
        return y[..., source[MARGIN:-MARGIN]]
    coefficients = scipy.ndimage.spline_filter1d(y[..., source].astype(np.float64), 3, axis=-1, mode="mirror")
    out = np.zeros(y.shape)
    for tap in range(-2, 2):  # the spline at s - part, from its four coefficients around
        start = MARGIN + tap
        out += _b_spline(tap + part) * coefficients[..., start : start + y.shape[-1]]
    return out.astype(y.dtype)


def _b_spline(t: float) -> float:
    t = abs(t)
    return 2 / 3 - t * t * (1 - t / 2) if t < 1 else (2 - t) ** 3 / 6 if t < 2 else 0.0

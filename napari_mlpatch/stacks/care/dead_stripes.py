"""Detector bins that do not follow the object: unresponsive, or fluctuating."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.io.build.rings import check_width

from .step import Geometry, Step
from .stripes import FLOOR, Size, Snr, find_stripes, with_neighbours

MOST = 1 / 3
"""Share of the detector's bins above which it is the object that changes so."""


@care_steps.register("dead-stripes", title="Dead stripes")
@dataclass(frozen=True, config=CONFIG)
class DeadStripes(Step):
    """Bins that stay constant while the object turns, or fluctuate wildly, are filled in from those beside them.

    How much a bin changes from view to view is compared with the bins around it. Those that change far less (dead) or
    far more (fluctuating) are interpolated linearly across the bins, for each angle, with one bin more to each side.
    Where a third of all bins or more stand out, that is the object, and all stay as they are.

    Equation:
        r(s) = Σ_θ |y - mean of y over `window` views|,  divided by its median over `size` bins
        y(θ, s) ← interpolated from the nearest good bins where r(s) stands out

    When to use it:
        Dead bins of the detector, or a blob on the scintillator that swallows all light. First of the steps against
        stripes: ``dead-stripes``, ``large-stripes``, ``rings``.

    References:
        - N. T. Vo, R. C. Atwood & M. Drakopoulos, Superior techniques for eliminating ring artifacts in X-ray
          micro-tomography, Optics Express 26, 28396 (2018), algorithms 4 and 6. doi:10.1364/OE.26.028396
    """

    size: Size = 51
    snr: Snr = 3.0
    window: Annotated[
        int,
        Field(ge=2, description="views whose mean a view is compared with", json_schema_extra={"unit": "views"}),
    ] = 10

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        return np.stack([without_dead_stripes(y, self.size, self.snr, self.window) for y in block]), geometry


def without_dead_stripes(y: np.ndarray, size: int = 51, snr: float = 3.0, window: int = 10) -> np.ndarray:
    """A sinogram ``[angles, bins]`` with dead and fluctuating bins filled in: see ``DeadStripes``.

    Raises InputError for a window larger than the detector.
    """
    from scipy.ndimage import median_filter, uniform_filter1d

    check_width(size, y.shape[1], "finding dead stripes")
    values = y.astype(np.float64)
    changes = np.abs(values - uniform_filter1d(values, window, axis=0)).sum(0)
    around = median_filter(changes, size)
    around[around == 0] = around.mean() or 1.0
    stripes = with_neighbours(find_stripes(changes / around, snr, FLOOR))
    stripes[:2] = stripes[-2:] = False  # beyond the ends there is nothing to interpolate from
    return y.copy() if stripes.sum() >= MOST * len(stripes) else filled_in(y, stripes)


def filled_in(y: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """A copy where the columns ``bad`` are interpolated linearly between the nearest good ones."""
    out = y.copy()
    if not bad.any():
        return out
    good, missing = np.flatnonzero(~bad), np.flatnonzero(bad)
    right = np.clip(np.searchsorted(good, missing), 1, len(good) - 1)
    left, right = good[right - 1], good[right]
    part = ((missing - left) / (right - left)).astype(y.dtype)
    out[:, missing] = (1 - part) * y[:, left] + part * y[:, right]
    return out

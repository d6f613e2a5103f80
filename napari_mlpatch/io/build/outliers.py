"""Single samples of a sinogram that are far off: zingers, hot and dead pixels, which make streaks in the picture."""

from __future__ import annotations

import math

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import NDArray

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phrases import phrase

from ..option_phrases import in_form
from .rings import median_across

DEVIATIONS = 10.0
"""Standard deviations beyond which a sample is told about: noise, that of few photons too, does not get there."""
NARROW = 4  # bins to each side that an outlier's surroundings reach; it is narrower than that itself
LOCAL = ((15, 15), (31, 3))  # rows and bins over which the noise is measured: the larger counts
LEAST = 0.1  # of the range of the data, below which nothing is called far off
LIKE = 0.5  # of what sticks out, from which on a neighbouring view shows the like of it
MORE = 0.7  # of what sticks out, which must be there in excess of the neighbouring views
PASSES = 3
SURE = 4.0  # standard deviations of the noise of that excess
REPLACING = phrase(f"outliers = {DEVIATIONS:g} (--outliers)", in_form("outliers", f"{DEVIATIONS:g}"))


def find_outliers(y: np.ndarray, angles_deg: np.ndarray, deviations: float = DEVIATIONS) -> NDArray[np.bool_]:
    """Which samples of a sinogram ``[angles, bins]`` no object explains.

    They stick out of the median of the 9 bins around by more than ``deviations`` times the noise there, and by more
    than a tenth of the data's range; and unlike anything of an object, however sharp or small,

    - neither of the two views next to it in angle shows the like of it as near as an object can have moved there
      (a bead's track goes on), or only one of them does;
    - it is more than is there in those views altogether: an object casts the same sum of line integrals at each angle,
      also where a plate is seen edge-on.

    Raises InputError for ``deviations`` that are not a positive number.
    """
    if isinstance(deviations, bool) or not isinstance(deviations, int | float) or not 0 < deviations < math.inf:
        raise InputError(
            f"outliers is a number of standard deviations, such as {DEVIATIONS:g}, beyond which samples are replaced; "
            f"got {deviations!r}."
        )
    order = np.argsort(angles_deg, kind="stable")
    if len(order) < 3 or y.shape[1] < 2 * NARROW + 1:
        return np.zeros(y.shape, bool)
    v = y[order].astype(np.float64)
    steps = np.diff(np.asarray(angles_deg, float)[order])
    step = math.radians(float(np.median(steps[steps > 1e-3]))) if (steps > 1e-3).any() else 0.0
    reach = min(math.ceil(step * y.shape[1] / 2.0) + 1, y.shape[1] // 2)
    far = np.zeros(y.shape, bool)
    for _ in range(PASSES):  # those that were found hide others no longer
        more = _far(replace_outliers(v, far), reach, float(deviations)) & ~far
        far |= more
        if not more.any():
            break
    found = np.zeros(y.shape, bool)
    found[order] = far
    return found


def replace_outliers(y: np.ndarray, outliers: NDArray[np.bool_]) -> np.ndarray:
    """A copy where each of ``outliers`` is the median of the good ones among the 3 x 5 around (of its row at worst)."""
    fixed = y.copy()
    for row, bin_ in np.argwhere(outliers):
        rows, bins = slice(max(row - 1, 0), row + 2), slice(max(bin_ - 2, 0), bin_ + 3)
        good = y[rows, bins][~outliers[rows, bins]]
        good = good if good.size else y[row][~outliers[row]]
        fixed[row, bin_] = np.median(good) if good.size else 0.0
    return fixed


def describe_outliers(y: np.ndarray, outliers: NDArray[np.bool_], replaced: bool) -> str:
    """For the notes: how many there are, where the farthest is, and what to do."""
    row, bin_ = np.unravel_index(np.argmax(np.where(outliers, np.abs(y - np.median(y)), -1.0)), y.shape)
    count = int(outliers.sum())
    many = f"{count} sample{'s are' if count > 1 else ' is'} far off {'their' if count > 1 else 'its'} neighbours"
    where = f"{many}, such as {y[row, bin_]:.4g} at row {row}, bin {bin_}"
    if replaced:
        return f"{where}: replaced by their median"
    return f"{where}: a zinger, a hot or a dead pixel? {REPLACING} replaces such samples"


def _far(v: np.ndarray, reach: int, deviations: float) -> NDArray[np.bool_]:
    """Of a sinogram whose rows are in the order of their angles, between which an object moves by ``reach`` bins."""
    out = v - median_across(v, 2 * NARROW + 1)
    spread = [scipy.ndimage.uniform_filter(np.abs(out), size, mode="reflect") for size in LOCAL]
    noise = math.sqrt(math.pi / 2.0) * np.maximum(*spread)
    low, high = np.quantile(v, [0.01, 0.99])
    far = np.abs(out) > np.maximum(deviations * noise, LEAST * (high - low))
    if not far.any():
        return far
    width = 2 * (reach + NARROW) + 1
    near = scipy.ndimage.uniform_filter1d(v, width, axis=1, mode="constant") * width
    excess = near - 0.5 * (_beside(near, -1) + _beside(near, 1))
    needed = np.maximum(MORE * np.abs(out), SURE * math.sqrt(1.5 * width) * noise)
    for sign in (1.0, -1.0):
        tallest = scipy.ndimage.maximum_filter1d(sign * out, 2 * reach + 1, axis=1, mode="nearest")
        beside = np.minimum(_beside(tallest, -1), _beside(tallest, 1))
        mine = sign * out > 0
        far &= ~mine | ((beside < LIKE * sign * out) & (sign * excess > needed))
    return far


def _beside(v: np.ndarray, by: int) -> np.ndarray:
    """The row before or after; at the ends the only neighbour there is."""
    shifted = np.roll(v, by, axis=0)
    edge = 0 if by > 0 else -1
    shifted[edge] = v[1 if by > 0 else -2]
    return shifted

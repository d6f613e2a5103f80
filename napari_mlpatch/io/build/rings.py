"""Stripes of a sinogram, which bad detector bins make, and which become rings in the picture."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.core.errors import InputError


def remove_stripes(y: np.ndarray, width: int) -> np.ndarray:
    """A sinogram ``[angles, bins]`` without vertical stripes narrower than ``width / 2`` bins.

    The values of each bin are sorted, the sorted ones smoothed across the bins by a median over ``width``, and put
    back where they were: algorithm 3 of Vo, Atwood & Drakopoulos, Opt. Express 26, 28396 (2018). Features that do not
    keep to one bin at all angles stay. Raises InputError for impossible widths.
    """
    check_width(width, y.shape[1], "removing rings")
    ranked, order = sorted_bins(y)
    out = np.empty_like(y)
    np.put_along_axis(out, order, median_across(ranked, width), 0)
    return out


def check_width(width: int, bins: int, use: str) -> None:
    """Raises InputError unless a median over ``width`` of so many bins can be taken."""
    if isinstance(width, bool) or not isinstance(width, int | np.integer) or not 3 <= width <= bins:
        raise InputError(f"The width for {use} must be a number of bins from 3 to {bins}, got {width!r}.")


def sorted_bins(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of each column of ``y`` in increasing order, and the row that each stood in."""
    order = np.argsort(y, axis=0, kind="stable")
    return np.take_along_axis(y, order, 0), order


def median_across(y: np.ndarray, width: int) -> np.ndarray:
    """The median of the ``width`` bins around each, beyond the ends mirrored (``reflect``)."""
    from scipy.ndimage import median_filter

    return np.stack([median_filter(row, size=int(width), mode="reflect") for row in y])  # fast in one dimension only

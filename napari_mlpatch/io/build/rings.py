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
    from scipy.ndimage import median_filter

    if isinstance(width, bool) or not isinstance(width, int | np.integer) or not 3 <= width <= y.shape[1]:
        raise InputError(
            f"The width for removing rings must be a number of bins from 3 to {y.shape[1]}, got {width!r}."
        )
    order = np.argsort(y, axis=0, kind="stable")
    ranked = median_filter(np.take_along_axis(y, order, 0), size=(1, int(width)), mode="reflect")
    out = np.empty_like(y)
    np.put_along_axis(out, order, ranked, 0)
    return out

"""Two pictures compared pixel by pixel: their difference, and which of the two stands where."""

from __future__ import annotations

import numpy as np


def difference(a: np.ndarray, b: np.ndarray, period: float | None = None) -> np.ndarray:
    """``a - b`` of two pictures of one shape; of angles with a ``period``, the shortest way round from b to a.

    With a period p it is ``((a - b + p/2) mod p) - p/2``, in ``[-p/2, p/2)``.
    """
    apart = a - b
    return apart if period is None else np.mod(apart + period / 2, period) - period / 2


def half(shape: tuple[int, int], at: int, axis: int) -> np.ndarray:
    """Bool ``[rows, columns]``: the pixels from number ``at`` on, counted along ``axis``."""
    mask = np.zeros(shape, bool)
    mask[(slice(None),) * axis + (slice(max(at, 0), None),)] = True
    return mask


def checkerboard(shape: tuple[int, int], tile: int) -> np.ndarray:
    """Bool ``[rows, columns]``: every other square of ``tile`` pixels, without the one at (0, 0)."""
    rows, columns = (np.arange(n) // tile for n in shape)
    return (rows[:, None] + columns) % 2 == 1


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    """Bool ``[rows, columns]``: pixels whose centre is at most ``radius`` pixels from ``centre`` (row, column)."""
    rows, columns = ((np.arange(n) - c) ** 2 for n, c in zip(shape, centre, strict=True))
    return rows[:, None] + columns <= radius**2


def inserted(above: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture's own values where the mask holds, NaN (which napari draws clear) elsewhere; float32 or float64."""
    kept = np.full(above.shape, np.nan, np.result_type(above.dtype, np.float32))
    np.copyto(kept, above, where=mask)
    return kept

"""The rows of a parallel-beam scan, weighted, continued where they are cut off, and filtered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.torch_later import F, Tensor, torch

from .filters import Window, ramp_filter, row_filter
from .gridding import next_fast
from .ray_shares import is_seen_twice
from .truncation import Padding, extended, truncation

if TYPE_CHECKING:
    from .nufft import Nufft2d
    from .parallel_beam import ParallelBeam

AT_ONCE = 1 << 23
"""Samples of rows that are filtered at a time: larger pieces of memory are new pages each time."""


def filtered(
    A: ParallelBeam, y: Tensor, weights: Tensor, axis: float, window: Window, cutoff: float, padding: Padding
) -> Tensor:
    """Rows ``[B, C, angles, bins]`` times ``weights``, filtered and moved by whole bins from ``axis`` to that of A.

    There are ``rows_beyond`` bins more at either end. What is left of a bin, ``part_of_bin``, is the back-projection's:
    values between bins would have to go on far beyond the ends.
    """
    flat, parts = y.flatten(0, 1), [y] * (len(y) * y.shape[1])
    cut = truncation(y, weights, padding)
    bins = (0,) * len(parts) if cut is None else cut.bins
    longest = max(bins, default=0)
    for more in sorted({min(n, 1) * longest for n in bins}):
        # Rows that go on take longer ones, of a size that no other item changes.
        items = [i for i, n in enumerate(bins) if (n > 0) == (more > 0)]
        together = max(1, AT_ONCE // (y.shape[2] * _size(A, axis, more)))
        for start in range(0, len(items), together):
            some = items[start : start + together]
            rows = torch.stack([flat[i] for i in some]) if len(some) > 1 else flat[some[0], None]
            if more:
                assert cut is not None
                rows = extended(rows[:, None], weights, cut.of(some), more)[:, 0]
            else:
                rows = rows * weights
            for i, part in zip(some, _filtered(A, rows, more, axis, window, cutoff), strict=True):
                parts[i] = part
    return torch.stack(parts).unflatten(0, y.shape[:2])


class Moved:
    """A parallel beam whose axis lies ``bins`` lower: back-projection by the quick plan, and its exact transpose."""

    def __init__(self, scanner: ParallelBeam, bins: float):
        self._scanner, self._bins = scanner, bins

    def _plan(self, like: Tensor) -> tuple[Nufft2d, Tensor]:
        nufft, weights = self._scanner._quick_plan(like)
        _, w = self._scanner._samples
        turn = np.exp(1j * w * (self._bins * self._scanner.detector_pitch))
        return nufft, weights * torch.as_tensor(turn, device=like.device).to(weights.dtype)

    def _spread(self, y: Tensor) -> Tensor:
        return self._scanner._back(y, *self._plan(y))

    def _gathered(self, x: Tensor) -> Tensor:
        return self._scanner._forth(x, *self._plan(x))


def rows_beyond(A: ParallelBeam, axis: float) -> tuple[int, int]:
    """By how many bins filtered rows are to go on at either end, up to the image's circle.

    Where a view sees one side of the object only, for its twin sees the other, its filtered row is not zero there.
    Corners lose a tip, so that the tables of the NUFFT are those of this operator (``_period``).
    """
    last = A.detector_count - 1
    if abs(2.0 * axis - last) < 2.0 or not is_seen_twice(A.angles_deg).any():
        return 0, 0
    scale = A.pixel_size / A.detector_pitch
    half = min(max(axis, last - axis), (math.hypot(*A.image_shape) / 2.0 - 0.25) * scale - 1.5)
    return tuple(max(0, math.ceil(half - side)) for side in (A.axis_bin, last - A.axis_bin))  # type: ignore


def _size(A: ParallelBeam, axis: float, more: int) -> int:
    """Of the transform of rows that go on by ``more`` bins at either end, so that nothing wraps round."""
    n, by, (low, high) = A.detector_count, A.axis_bin - axis, rows_beyond(A, axis)
    farthest = n - 1 + more + max(high - by, low + by)  # what is read from what it depends on
    usual = n + (n if more else max(low, high))  # n, the most that rows are continued by
    return next_fast(2 * max(usual, math.ceil(farthest)))


def _filtered(A: ParallelBeam, rows: Tensor, more: int, axis: float, window: Window, cutoff: float) -> Tensor:
    """``[items, angles, bins]`` of rows that go on by ``more`` bins at either end."""
    low, high = rows_beyond(A, axis)
    left = max(low - more, 0)
    if left:
        rows = F.pad(rows, (left, 0))
    size = _size(A, axis, more)
    response = ramp_filter(size, window, cutoff) / A.detector_pitch
    whole = round(A.axis_bin - axis)
    if whole:
        response = response * np.exp(-2j * math.pi * np.fft.rfftfreq(size) * whole)
    first = left + more - low
    return row_filter(response, size, rows)(rows)[..., first : first + low + A.detector_count + high]

"""Filtered back-projection of a fan beam's rays as they were measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .fan_rows import FilteredRays
from .filters import Window, ramp_filter, row_filter
from .gridding import next_fast
from .truncation import Padding, Truncation, extended, truncation

if TYPE_CHECKING:
    from .fan_beam import FanBeam


def picture(A: FanBeam, y: Tensor, window: Window, cutoff: float, padding: Padding, once: bool = False) -> Tensor:
    """``[B, C, views, bins] -> [B, C, *image_shape]``, see ``FanBeam.fbp``; ``once`` with tables that are not kept."""
    weights = torch.as_tensor(A._areas, device=y.device).to(y.dtype)
    cut = truncation(y, weights, padding)
    if cut is None:
        return _back_projected(A, y * weights, window, cutoff, once)
    # Each item by as many bins as by itself, for those set how it is sampled. A few sizes only, with their tables.
    step = max(16, math.ceil(A.detector_count / 8))
    sizes = [min(math.ceil(bins / step) * step, A._room) for bins in cut.bins]
    flat, found = y.flatten(0, 1)[:, None], [y] * len(sizes)
    for more in sorted(set(sizes)):
        items = [i for i, size in enumerate(sizes) if size == more]
        rows = _continued(A, flat[items], weights, cut.of(items), more)
        pictures = _back_projected(A._wider(more), rows, window, cutoff, once)
        for i, picture in zip(items, pictures, strict=True):
            found[i] = picture
    return torch.cat(found).reshape(*y.shape[:2], *A.image_shape)


def _continued(A: FanBeam, y: Tensor, weights: Tensor, cut: Truncation, more: int) -> Tensor:
    """Weighted rows that go on by so many bins at either end."""
    if more == 0:
        return y * weights
    rows = extended(y, weights, cut, more)
    gamma = A._gamma(np.arange(-more, A.detector_count + more))
    area = A._per_bin(gamma)
    area[more : more + A.detector_count] = 1.0
    area[:more] /= A._per_bin(gamma[more : more + 1])
    area[more + A.detector_count :] /= A._per_bin(gamma[more + A.detector_count - 1, None])
    return rows * torch.as_tensor(area, device=y.device).to(y.dtype)


def _back_projected(A: FanBeam, rows: Tensor, window: Window, cutoff: float, once: bool) -> Tensor:
    """Of weighted rows, filtered in parallel ones."""
    grid = A._grid
    size = next_fast(2 * grid.samples)
    response = ramp_filter(size, window, cutoff * grid.step / A.axis_pitch) / grid.step
    from napari_mlpatch.core.autograd import Linear, held  # needs PyTorch at once

    ramp = row_filter(response / A.pixel_size**2, size, rows)
    filtered = FilteredRays(A, lambda p: ramp(p)[..., : grid.samples], once)
    return Linear.apply(rows, held(filtered, A), "adjoint")  # type: ignore[return-value]

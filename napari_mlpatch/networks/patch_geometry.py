"""Where a patch is sampled: N points on each of M rays, in pixels (row, column) from the centre."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

Geometry = Literal["round", "square", "random"]


def initial_points(geometry: Geometry, rings: int, rays: int, radius: float) -> Tensor:
    """``[N, M, 2]`` in pixels, within ``radius`` of the centre along each axis.

    round: N concentric rings, the first of them the centre itself, with M points at equal angles. square: an
    N x M grid. random: uniform in the square, from torch's global random numbers.
    """
    if geometry == "round":
        r = torch.arange(rings) * (radius / max(rings - 1, 1))
        angle = torch.arange(rays) * (2 * math.pi / rays)
        return r[:, None, None] * torch.stack([angle.cos(), angle.sin()], -1)
    if geometry == "square":
        axes = (torch.linspace(-radius, radius, n) if n > 1 else torch.zeros(1) for n in (rings, rays))
        return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    return (2 * torch.rand(rings, rays, 2) - 1) * radius


def farthest(points: Tensor) -> float:
    """Largest distance of a point from the centre along either axis, in pixels."""
    return float(points.detach().abs().max())


def tap_radius(distance: float) -> int:
    """The neighbourhood that cubic interpolation at up to this distance reads: pixels -radius..radius."""
    return math.ceil(distance) + 1


def reflected(index: Tensor, size: int) -> Tensor:
    """Pixel indices outside 0..size-1 reflected at the centres of the border pixels (which are not repeated)."""
    if size == 1:
        return torch.zeros_like(index)
    period = 2 * (size - 1)
    index = index.remainder(period)
    return torch.minimum(index, period - index)

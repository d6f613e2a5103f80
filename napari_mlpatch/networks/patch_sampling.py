"""Reading an image at the points of a patch: around pixels of the grid, or around any position."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_mlpatch.core.errors import InputError

from .cubic import sampling_matrix
from .patch_geometry import reflected

Sampler = Callable[[Tensor], Tensor]
"""Offsets ``[K, 2]`` or ``[L, K, 2]`` in pixels -> values ``[L, C, K]`` of L patches."""


def around(start: int, stop: int, radius: int, size: int, device: torch.device) -> Tensor:
    """The indices start..stop-1 and ``radius`` more on both sides, reflected into 0..size-1."""
    return reflected(torch.arange(start - radius, stop + radius, device=device), size)


def in_neighbourhoods(u: Tensor, radius: int) -> Sampler:
    """Reads in the pixels ``[L, C, n, n]`` around each position, always in their own precision."""

    def sample(offsets: Tensor) -> Tensor:
        if offsets.ndim == 2:
            with torch.autocast(u.device.type, enabled=False):
                return u.flatten(2) @ sampling_matrix(offsets.to(u.dtype), radius)
        grid = offsets.to(u.dtype).flip(-1)[:, :, None] / radius
        return F.grid_sample(u, grid, mode="bicubic", padding_mode="zeros", align_corners=True)[..., 0]

    return sample


def in_image(q: Tensor, coords: Tensor) -> Sampler:
    """Reads the image ``[C, H, W]`` around the positions ``[P, 2]``, reflecting it at the border."""
    half = coords.new_tensor([max(n - 1, 1) / 2 for n in q.shape[-2:]])

    def sample(offsets: Tensor) -> Tensor:
        grid = ((coords[:, None] + offsets) / half - 1).flip(-1)
        values = F.grid_sample(q[None], grid[None], mode="bicubic", padding_mode="reflection", align_corners=True)
        return values[0].transpose(0, 1)

    return sample


def checked_positions(coords: Tensor, x: Tensor) -> Tensor:
    """The positions as ``[1 or B, P, 2]`` of the type of x."""
    if coords.ndim not in (2, 3) or coords.shape[-1] != 2 or (coords.ndim == 3 and len(coords) not in (1, len(x))):
        raise InputError(
            f"Positions are [P, 2] or [{len(x)}, P, 2], (row, column) in pixels, got {list(coords.shape)}."
        )
    coords = coords.to(x)
    last = coords.new_tensor([n - 0.5 for n in x.shape[-2:]])
    outside = ~((coords >= -0.5) & (coords <= last)).all(-1)
    if bool(outside.any()):
        seen = [round(v, 3) for v in coords[outside][0].tolist()]
        raise InputError(
            f"The position {seen} lies outside the image of {x.shape[-2]} x {x.shape[-1]} pixels. Rows go from -0.5 to "
            f"{x.shape[-2] - 0.5}, columns from -0.5 to {x.shape[-1] - 0.5}."
        )
    return coords if coords.ndim == 3 else coords[None]

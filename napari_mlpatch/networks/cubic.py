"""Cubic convolution (Keys 1981) with a = -0.75, the kernel of ``torch.nn.functional.grid_sample``."""

from __future__ import annotations

import torch
from torch import Tensor

A = -0.75
REACH = 2
"""The kernel is zero from this distance on."""


def cubic(t: Tensor) -> Tensor:
    """The kernel at distances ``t`` in pixels, differentiable."""
    t = t.abs()
    near = ((A + 2) * t - (A + 3)) * t * t + 1
    far = A * (((t - 5) * t + 8) * t - 4)
    return torch.where(t <= 1, near, torch.where(t < REACH, far, torch.zeros_like(t)))


def taps(radius: int, like: Tensor) -> Tensor:
    """-radius..radius."""
    return torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)


def sampling_matrix(offsets: Tensor, radius: int) -> Tensor:
    """``[(2 radius + 1)², K]``: what each pixel of a square neighbourhood adds to the value at each offset.

    ``offsets`` are ``[K, 2]``, (row, column) in pixels from the centre; differentiable in them.
    """
    at = taps(radius, offsets)
    rows, columns = (cubic(offsets[:, axis] - at[:, None]) for axis in (0, 1))
    return (rows[:, None] * columns[None, :]).flatten(0, 1)


def periodic_matrix(new: int, old: int, like: Tensor) -> Tensor:
    """``[new, old]``: resamples the values of a DFT axis of length ``old`` about DC, periodically, to length ``new``.

    It commutes with k -> -k, so what has Hermitian symmetry keeps it. The identity for equal lengths.
    """
    signed = torch.fft.fftfreq(new, d=1 / old, device=like.device, dtype=torch.float64)
    distance = signed[:, None] - torch.arange(old, device=like.device, dtype=torch.float64)
    distance = distance - old * torch.round(distance / old)
    if old <= 2 * REACH:  # more than one period would be within reach
        distance = distance[:, :, None] + old * torch.arange(-2, 3, device=like.device)
        return cubic(distance).sum(-1).to(like.dtype)
    return cubic(distance).to(like.dtype)

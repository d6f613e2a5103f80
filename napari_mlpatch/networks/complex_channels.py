"""Complex pictures in real networks: the real parts of all channels first, then the imaginary ones."""

from __future__ import annotations

import torch
from torch import Tensor


def to_channels(x: Tensor) -> Tensor:
    """``[B, C, ...]`` complex -> ``[B, 2 C, ...]`` real; what is real stays as it is."""
    return torch.cat([x.real, x.imag], 1) if x.is_complex() else x


def from_channels(z: Tensor, like: Tensor | bool) -> Tensor:
    """Back: ``[B, 2 C, ...]`` real -> ``[B, C, ...]`` complex where ``like`` is complex, or True; else as it is."""
    if not (like.is_complex() if isinstance(like, Tensor) else like):
        return z
    real, imaginary = z.chunk(2, 1)
    return torch.complex(real.contiguous(), imaginary.contiguous())

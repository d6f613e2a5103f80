"""Reconstructions around a centre of rotation, to choose it by eye."""

from __future__ import annotations

from collections.abc import Sequence

from napari_mlpatch.torch_later import Tensor, torch

from .fan_beam import FanBeam
from .parallel_beam import ParallelBeam


def center_sweep(A: ParallelBeam | FanBeam, y: Tensor, centers: Sequence[float]) -> Tensor:
    """Filtered back-projections of ``y`` ``[B, C, angles, bins]``, ``[centres, B, C, *image_shape]``."""
    return torch.stack([A.fbp(y, "hann", center=c) for c in centers])

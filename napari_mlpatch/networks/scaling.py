"""The units in which reconstructors see operators and data: the same in training and in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_mlpatch.core.errors import InputError

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

LARGEST = 3.0
"""The scale of a picture, in terms of the root mean square of ``A₁ᵀ y / ‖A‖``: about its largest value."""


def normalised(y: Tensor, A: Operator, normalise: bool = True) -> tuple[Tensor, Operator, Tensor]:
    """``(y₁, A₁, s)`` for a reconstructor: ``picture = s · network(y₁, A₁)``, with s ``[B]``, one for each item.

    ``A₁ = A / ‖A‖`` and ``y₁ = y / (‖A‖ s)``. With ``normalise``, ``s = 3 rms(A₁ᵀ y / ‖A‖)`` (1 where that is 0), so
    that pictures scale exactly with the data, and do not depend on the unit of A. Without, s = 1: for networks that
    were trained on pictures of known values. Raises InputError for an operator that is zero.
    """
    unit = divided(A)
    y = y / A.norm
    scale = picture_scale(y, unit) if normalise else y.new_ones(len(y), dtype=y.dtype.to_real())
    return y / along(scale, y), unit, scale


def divided(A: Operator) -> Operator:
    """``A / ‖A‖``. Raises InputError where that is impossible."""
    if not 0 < A.norm < float("inf"):
        raise InputError(
            f"The operator has the norm {A.norm:g}, by which nothing can be divided. Check its parameters."
        )
    return (1.0 / A.norm) * A


def picture_scale(y: Tensor, A: Operator) -> Tensor:
    """``3 rms(Aᵀ y)`` of each item, ``[B]``, for an operator of norm 1; 1 where that is 0."""
    back = A.T(y).flatten(1).abs()
    peak = back.amax(1).clamp(min=torch.finfo(back.dtype).tiny)  # or squares leave the range of single precision
    size = LARGEST * peak * (back / peak[:, None]).square().mean(1).sqrt()
    return torch.where(size > 0, size, torch.ones_like(size))


def restoring(scale: Tensor, y: Tensor) -> Tensor:
    """What normalised pictures of the data y are multiplied by: s, and 0 where nothing was measured.

    As pictures scale with the data, that of no data is zero, whatever the network has for zeros.
    """
    return torch.where(y.flatten(1).abs().amax(1) > 0, scale, torch.zeros_like(scale))


def along(scale: Tensor, x: Tensor) -> Tensor:
    """``[B]`` as ``[B, 1, ...]``, to multiply the items of x."""
    return scale.view(-1, *[1] * (x.ndim - 1))

"""The units in which reconstructors see operators and data: the same in training and in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phase import free_phase

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

LARGEST = 3.0
"""The scale of a picture, in terms of the root mean square of ``A₁ᵀ y / ‖A‖``: about its largest value."""


def normalised(y: Tensor, A: Operator, normalise: bool = True) -> tuple[Tensor, Operator, Tensor]:
    """``(y₁, A₁, s)`` for a reconstructor: ``picture = s · network(y₁, A₁)``, with s ``[B]``, one for each item.

    ``A₁ = A / ‖A‖`` and ``y₁ = y / (‖A‖ s)``, with the s of ``picture_unit``. Raises InputError for an operator that is
    zero.
    """
    unit = divided(A)
    y = y / A.norm
    scale = picture_unit(y, unit, normalise)
    return y / along(scale, y), unit, scale


def divided(A: Operator) -> Operator:
    """``A / ‖A‖``. Raises InputError where that is impossible."""
    if not 0 < A.norm < float("inf"):
        raise InputError(
            f"The operator has the norm {A.norm:g}, by which nothing can be divided. Check its parameters."
        )
    return (1.0 / A.norm) * A


def picture_unit(y: Tensor, A: Operator, normalise: bool = True) -> Tensor:
    """What pictures of the data y are divided by, ``[B]``, for an operator of norm 1.

    With ``normalise`` its size is ``picture_scale``, so that pictures scale exactly with the data and do not depend on
    the unit of A. Without, it is 1: for networks that were trained on pictures of known values. Where pictures are
    complex, it has the phase of ``Aᵀ y`` (``core.phase``): a network sees them as real as possible.
    """
    if not (normalise or y.is_complex()):
        return y.new_ones(len(y))
    back = A.T(y)
    scale = _scale_of(back) if normalise else back.new_ones(len(y), dtype=back.dtype.to_real())
    phase = free_phase(A, back)
    return scale if phase is None else scale * phase


def picture_scale(y: Tensor, A: Operator) -> Tensor:
    """``3 rms(Aᵀ y)`` of each item, ``[B]``, for an operator of norm 1; 1 where that is 0."""
    return _scale_of(A.T(y))


def _scale_of(x: Tensor) -> Tensor:
    back = x.flatten(1).abs()
    peak = back.amax(1).clamp(min=torch.finfo(back.dtype).tiny)  # or squares leave the range of single precision
    size = LARGEST * peak * (back / peak[:, None]).square().mean(1).sqrt()
    return torch.where(size > 0, size, torch.ones_like(size))


def restoring(scale: Tensor, y: Tensor) -> Tensor:
    """What normalised pictures of the data y are multiplied by: s, and 0 where nothing was measured.

    As pictures scale with the data, that of no data is zero, whatever the network has for zeros.
    """
    return torch.where(y.flatten(1).abs().amax(1) > 0, scale, torch.zeros_like(scale))


def along(scale: Tensor, x: Tensor) -> Tensor:
    """``[B]`` as ``[B, 1, ...]``, to multiply the items of x; of a complex scale its size where x is real."""
    scale = scale.abs() if scale.is_complex() and not x.is_complex() else scale
    return scale.view(-1, *[1] * (x.ndim - 1))

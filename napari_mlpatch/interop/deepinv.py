"""Linear operators from deepinv, and ours for it (https://deepinv.github.io)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.operator import Operator

from .functions import FromFunctions, check_adjoint


def from_deepinv(
    physics: Any, image_shape: tuple[int, ...], *, channels: int = 1, device: str = "cpu"
) -> FromFunctions:
    """An operator on images of ``image_shape`` that computes with ``physics.A`` and ``physics.A_adjoint``.

    ``physics`` is a ``deepinv.physics.LinearPhysics`` that gives as many channels as it takes (``channels``: 2 where
    deepinv keeps real and imaginary parts), on ``device``; its noise is left out. The adjoint is tested. Raises
    InputError for what is not linear, for other channels and for lists of measurements.
    """
    name = type(physics).__name__
    if not callable(getattr(physics, "A", None)) or not callable(getattr(physics, "A_adjoint", None)):
        raise InputError(f"{name} has no A and A_adjoint: give a deepinv LinearPhysics.")
    image = torch.zeros(1, channels, *image_shape, device=device)
    try:
        with torch.no_grad():
            data = physics.A(image)
    except Exception as error:  # it may raise anything where shapes or devices do not fit
        raise InputError(
            f"{name} does not take images of shape {[1, channels, *image_shape]} on {device}: {error}. Give the shape "
            "and the device that it was made for."
        ) from error
    if not isinstance(data, Tensor) or data.ndim < 3 or data.shape[:2] != image.shape[:2]:
        seen = list(data.shape) if isinstance(data, Tensor) else type(data).__name__
        raise InputError(
            f"{name} makes {seen} of images {list(image.shape)}. Only one tensor with the same batch and channels can "
            "be used."
        )
    A = FromFunctions(
        apply=physics.A,
        adjoint=physics.A_adjoint,
        domain_shape=tuple(image_shape),
        range_shape=tuple(data.shape[2:]),
        complex_data=data.is_complex(),
        name=f"deepinv {name}",
    )
    check_adjoint(A, tolerance=1e-3, device=device, channels=channels)
    return A


def to_deepinv(A: Operator, **options: Any) -> Any:
    """A as a ``deepinv.physics.LinearPhysics``, whose ``A`` and ``A_adjoint`` are ours.

    ``options`` are those of LinearPhysics, such as ``noise_model``. Raises InputError where deepinv is not installed.
    """
    try:
        from deepinv.physics import LinearPhysics  # type: ignore[import-not-found]
    except ImportError as error:
        raise InputError(f"deepinv cannot be imported ({error}). Install it: pip install deepinv.") from None

    def apply(x: Tensor, **parameters: Any) -> Tensor:
        return A(x)

    def adjoint(y: Tensor, **parameters: Any) -> Tensor:
        return A.T(y)

    return LinearPhysics(A=apply, A_adjoint=adjoint, **options)

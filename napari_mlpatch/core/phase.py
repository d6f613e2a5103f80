"""The constant phase of complex pictures: it says nothing, and no result may hang on it.

Networks and denoisers are for real pictures and see real and imaginary part apart. So complex pictures are turned to be
as real as possible before, and back afterwards: ``exp(i phi) y`` gives ``exp(i phi)`` times the picture of y.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mlpatch.torch_later import Tensor, torch

if TYPE_CHECKING:
    from .operator import Operator


def phase_of(x: Tensor) -> Tensor:
    """``exp(i phi)`` of each item ``[B]``: ``exp(-i phi) x`` is as real as possible, and positive in bright pixels.

    ``phi`` is half the phase of ``sum x²``, which makes the energy of the imaginary part least; of the two such, the
    one with ``Re sum |x| exp(-i phi) x >= 0``. Exactly 1 or -1 for complex numbers that are real, 1 for zero. A tensor
    of fewer than three dimensions is one item. The result has x's precision, and is held fixed when it is
    differentiated.
    """
    x = x.detach()
    flat = x.flatten(1) if x.ndim > 2 else x.reshape(1, -1)
    size = flat.abs()
    peak = size.amax(1, keepdim=True).clamp(min=torch.finfo(size.dtype).tiny)  # or squares leave the range of its type
    flat, size = flat / peak, size / peak
    wide = torch.complex128
    phase = (flat * flat).sum(1, dtype=wide).sgn().sqrt()
    phase = torch.where(phase == 0, torch.ones_like(phase), phase)
    bright = (size * flat).sum(1, dtype=wide)
    return torch.where((phase.conj() * bright).real < 0, -phase, phase).to(x.dtype)


def free_phase(A: Operator, x: Tensor) -> Tensor | None:
    """``phase_of`` pictures x of A ``[B, C, *A.domain_shape]``; None where it means something, and of real pictures."""
    return phase_of(x) if x.is_complex() and A.free_phase else None


def real_and_imaginary(y: Tensor) -> tuple[Tensor, Tensor]:
    """The two parts of complex values, turned by ``phase_of`` them."""
    phase = phase_of(y).conj()
    turned = y * (phase.reshape(-1, *[1] * (y.ndim - 1)) if y.ndim > 2 else phase)
    return turned.real, turned.imag

"""Steps towards the data, preconditioned: they reach what A sees weakly, of CT all fine detail, as soon as the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from napari_mlpatch.core.made_once import plainly
from napari_mlpatch.solvers.circulant import dividing
from napari_mlpatch.solvers.implicit import solve_shifted

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

Preconditioner = Annotated[
    Literal["none", "fourier", "exact"],
    Field(description="what the data's gradient is divided by; exact: AᵀA itself, fourier: a filter near to it"),
]
Floor = Annotated[
    float, Field(gt=0, le=1, description="what a preconditioner adds to AᵀA, whose largest eigenvalue is 1")
]
FLOOR = 0.005
SOLVE, POWER = 12, 30
"""Iterations of conjugate gradients for "exact", which begin with x, and of the power method for "fourier"."""


def towards_data(A: Operator, b: Tensor, kind: str, floor: float) -> Callable[[Tensor], Tensor]:
    """``x -> P (AᵀA x - b)`` for pictures like b; ‖A‖ = 1, differentiable. P is I ("none"), or with ρ = ``floor``

        P = (AᵀA + ρ I)⁻¹       "exact"
        P = (C + ρ I)⁻¹ / λ     "fourier": C the circulant matrix nearest to AᵀA (``Operator.normal_symbol``), λ the
                                largest eigenvalue of (C + ρ I)⁻¹ AᵀA

    An eigenvalue µ of AᵀA becomes µ / (µ + ρ) instead of µ. With "exact", ``x - η P (AᵀA x - b)`` for 0 < η <= 1 moves
    no two pictures apart, as ``1 - η µ / (µ + ρ)`` lies in 0..1: then ``f(x) = D(x - η P (AᵀA x - b))`` contracts as D
    does. With η = 1 that is half-quadratic splitting (Geman & Yang, IEEE Trans. Image Process. 4, 1995).

    With "fourier" it costs two Fourier transforms, and the same holds in the norm of P⁻¹ (Saad, Iterative methods for
    sparse linear systems, 2003, section 9.2), and so for a periodic convolution A in the ordinary one, in which D
    contracts. Else that is as true as C is AᵀA: nothing is guaranteed, and the contraction that a run reports counts.
    """
    if kind == "exact":
        return lambda x: x - solve_shifted(A, b + floor * x, floor, x, iterations=SOLVE)
    if kind == "none":
        return lambda x: A.normal(x) - b
    scale = A._kept(f"largest beside {floor}", lambda: _largest(A, floor))
    P = dividing(_symbol(A, b, floor) * scale, b, len(A.domain_shape))
    return lambda x: P(A.normal(x) - b)


def _largest(A: Operator, floor: float) -> float:
    """λ, by power iterations in float32 on the CPU. It comes from below."""
    with plainly():
        x = A.normal(torch.randn(1, 1, *A.domain_shape, generator=torch.Generator().manual_seed(0)))
        divided = dividing(_symbol(A, x, floor), x, len(A.domain_shape))
        value = 1.0
        for _ in range(POWER):  # of AᵀA (C + ρ I)⁻¹, which has the same eigenvalues
            z = divided(x)
            image = A.normal(z)
            value = float((z.conj() * image).real.sum() / (z.conj() * x).real.sum().clamp(min=1e-30))
            x = image / torch.linalg.vector_norm(image).clamp(min=1e-30)
    return value or 1.0


def _symbol(A: Operator, like: Tensor, floor: float) -> Tensor:
    real = like.dtype.to_real()
    return torch.as_tensor(A.normal_symbol(like.device, real), device=like.device).to(real) + floor

"""Preconditioned conjugate gradients for a symmetric positive definite system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Linear = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CgStep:
    """Solution so far, its residual ``b - M x`` and ``‖residual‖ / ‖b‖`` after ``k`` steps."""

    x: Tensor
    residual: Tensor
    relative_residual: float
    k: int


def cg(
    M: Linear,
    b: Tensor,
    x: Tensor,
    *,
    precondition: Linear = lambda r: r,
    iterations: int = 100,
    tolerance: float = 1e-6,
) -> Iterator[CgStep]:
    """Solve ``M x = b`` from the start ``x``; yields each step, the start included, until ``‖r‖ <= tolerance ‖b‖``.

    Hestenes & Stiefel (1952), preconditioned as in Saad, Iterative Methods (2003), algorithm 9.1. The batch is solved
    as one system.
    """
    size = float(torch.linalg.vector_norm(b))
    if size == 0.0:
        yield CgStep(torch.zeros_like(b), b, 0.0, 0)
        return
    r = b - M(x)
    z = precondition(r)
    p, rz = z, _dot(r, z)
    for k in range(iterations + 1):
        relative = float(torch.linalg.vector_norm(r)) / size
        yield CgStep(x, r, relative, k)
        if relative <= tolerance or k == iterations:
            return
        Mp = M(p)
        curvature = _dot(p, Mp)
        if not curvature > 0:  # M is not positive definite at working precision: no further progress
            return
        alpha = rz / curvature
        x, r = x + alpha * p, r - alpha * Mp
        z = precondition(r)
        rz, previous = _dot(r, z), rz
        p = z + (rz / previous) * p


def _dot(a: Tensor, b: Tensor) -> float:
    return float(torch.real(torch.vdot(a.flatten(), b.flatten())))

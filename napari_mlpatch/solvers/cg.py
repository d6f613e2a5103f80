"""Preconditioned conjugate gradients for a symmetric positive definite system."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

Linear = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CgStep:
    """Solution so far, its residual ``b - M x`` and ``‖residual‖ / ‖b‖`` after ``k`` steps; ``state`` continues it."""

    x: Tensor
    residual: Tensor
    relative_residual: float
    k: int
    state: dict[str, Any] = field(default_factory=dict)


def cg(
    M: Linear,
    b: Tensor,
    x: Tensor,
    *,
    precondition: Linear = lambda r: r,
    iterations: int = 100,
    tolerance: float = 1e-6,
    state: dict[str, Any] | None = None,
) -> Iterator[CgStep]:
    """Solve ``M x = b`` from the start ``x``; yields each step, the start included, until ``‖r‖ <= tolerance ‖b‖``.

    Hestenes & Stiefel (1952), preconditioned as in Saad, Iterative Methods (2003), algorithm 9.1. The batch is solved
    as one system. The ``state`` of an earlier step continues from it exactly, up to ``iterations`` steps in all.
    """
    size = norm(b)
    if size == 0.0:
        yield CgStep(torch.zeros_like(b), b, 0.0, 0)
        return
    if state:
        x, r, p, rz, done = (state[key] for key in ("x", "r", "p", "rz", "k"))
    else:
        r = b - M(x)
        p = precondition(r)
        rz, done = dot(r, p), 0
    for k in range(done, iterations + 1):
        relative = norm(r) / size
        yield CgStep(x, r, relative, k, {"x": x, "r": r, "p": p, "rz": rz, "k": k})
        if relative <= tolerance or k == iterations:
            return
        Mp = M(p)
        curvature = dot(p, Mp)
        if not curvature > 0:  # M is not positive definite at working precision: no further progress
            return
        alpha = rz / curvature
        x, r = x + alpha * p, r - alpha * Mp
        z = precondition(r)
        rz, previous = dot(r, z), rz
        p = z + (rz / previous) * p


def dot(a: Tensor, b: Tensor) -> float:
    """Real part of ``<a, b>``. Where squares overflow or vanish in single precision, in double precision."""
    value = float(torch.real(torch.vdot(a.flatten(), b.flatten())))
    if 1e-30 < abs(value) < 1e30:
        return value
    wide = torch.promote_types(a.dtype, torch.float64)
    return float(torch.real(torch.vdot(a.flatten().to(wide), b.flatten().to(wide))))


def norm(a: Tensor) -> float:
    """Euclidean length, likewise."""
    return math.sqrt(dot(a, a))

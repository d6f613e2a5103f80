"""Preconditioned conjugate gradients for a symmetric positive definite system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .items import dot, each, norm, numbers

Linear = Callable[[Tensor], Tensor]
LOOKS = 2  # of so many steps on a GPU, where each look at a number waits for it, one is looked at


@dataclass(frozen=True)
class CgStep:
    """Solution so far, its residual ``b - M x`` and ``‖residual‖ / ‖b‖`` of each item, ``[B]``, after ``k`` steps.

    ``state`` continues it.
    """

    x: Tensor
    residual: Tensor
    relative_residual: Tensor
    k: int
    state: dict[str, Any] = field(default_factory=dict)


def cg(
    M: Linear,
    b: Tensor,
    x: Tensor,
    *,
    precondition: Linear = lambda r: r,
    iterations: int = 100,
    tolerance: float | Tensor = 1e-6,
    least: int = 0,
    exact: float = 0.0,
    residual: Tensor | None = None,
    state: dict[str, Any] | None = None,
) -> Iterator[CgStep]:
    """Solve ``M x = b`` from the start ``x``; yields each step, the start included, until ``‖r‖ <= tolerance ‖b‖``.

    Hestenes & Stiefel (1952), preconditioned as in Saad, Iterative Methods (2003), algorithm 9.1. Items of a batch
    ``[B, C, *space]`` are systems of their own: one that has reached its ``tolerance`` (one for all, or ``[B]``; below
    the rounding of b's type it is that: beyond, steps only follow errors into what M hardly sees) after at
    least ``least`` steps, or ``exact`` at any time, stays as it is while others go on. Before ``least`` steps
    nothing waits for a GPU. ``residual`` is ``b - M x`` where it is known. The ``state`` of an earlier step continues
    from it exactly, up to ``iterations`` steps in all.
    """
    eager = b.device.type == "cpu"
    size = norm(b)
    zero = size == 0.0
    size = torch.where(zero, 1.0, size)
    tolerance = numbers(tolerance, size.device).to(size).clamp(min=torch.finfo(b.dtype).eps)
    if state:
        x, r, p, rz, going, done = (state[key] for key in ("x", "r", "p", "rz", "going", "k"))
    else:
        there = each(~zero, x)  # M x = 0 is solved by zero
        x = x * there
        r = b - M(x) if residual is None else residual * there
        p = precondition(r)
        rz, going, done = dot(r, p), ~zero, 0
    for k in range(done, iterations + 1):
        relative = norm(r) / size
        yield CgStep(x, r, relative, k, {"x": x, "r": r, "p": p, "rz": rz, "going": going, "k": k})
        if k == iterations:
            return
        going = going & ~(relative <= (tolerance if k >= least else exact))
        if (eager or (k >= least and (k - least) % LOOKS == 0)) and not bool(going.any()):
            return
        Mp = M(p)
        curvature = dot(p, Mp)
        going = going & (curvature > 0)  # else M is not positive definite at working precision: no further progress
        if eager and not bool(going.any()):
            return
        alpha = each(torch.where(going, rz / curvature, 0.0), x)
        x, r = x + alpha * p, r - alpha * Mp
        z = precondition(r)
        rz, previous = dot(r, z), rz
        p = z + each(torch.where(going, rz / previous, 0.0), x) * p

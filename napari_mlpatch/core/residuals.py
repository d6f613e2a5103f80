"""What a reconstruction leaves unexplained, as pictures."""

from __future__ import annotations

from torch import Tensor

from .problem import Problem


def residuals(x: Tensor, problem: Problem) -> dict[str, Tensor]:
    """``residual`` A x - y, ``backprojected`` Aᵀ(A x - y) and, where the truth is known, ``error`` x - truth."""
    residual = problem.A(x) - problem.y
    found = {"residual": residual, "backprojected": problem.A.T(residual)}
    if problem.truth is not None:
        found["error"] = x - problem.truth
    return found

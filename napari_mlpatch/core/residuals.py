"""What a reconstruction leaves unexplained, as pictures."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor

from .problem import Problem


def pictures(x: Tensor, problem: Problem) -> dict[str, Tensor]:
    """The residuals as real pictures, and what else there is to see of x: the phase, the B mode..."""
    A, left = problem.A, residuals(x, problem)
    found = {"residual": A.data_picture(left["residual"]), "backprojected": A.picture(left["backprojected"])}
    if problem.truth is not None:
        found["error"] = A.picture(x) - A.picture(problem.truth)
    return found | A.more_pictures(x)


def residuals(x: Tensor, problem: Problem) -> dict[str, Tensor]:
    """``residual`` A x - y, ``backprojected`` Aᵀ(A x - y) and, where the truth is known, ``error`` x - truth."""
    residual = problem.A(x) - problem.y
    found = {"residual": residual, "backprojected": problem.A.T(residual)}
    if problem.truth is not None:
        found["error"] = x - problem.truth
    return found

"""What a reconstruction leaves unexplained, as pictures."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor

from .errors import InputError
from .problem import Problem


def picture(x: Tensor, problem: Problem, kind: str) -> Tensor:
    """One real picture of x: of those that ``pictures`` gives, or "picture" for x itself. Only that is computed.

    Raises InputError for a kind that there is none of.
    """
    A = problem.A
    if kind == "picture":
        return A.picture(x)
    if kind == "residual":
        return A.data_picture(A(x) - problem.y)
    if kind == "backprojected":
        return A.picture(A.T(A(x) - problem.y))
    if kind == "error" and problem.truth is not None:
        return A.picture(x) - A.picture(problem.truth)
    found = A.more_pictures(x)
    if kind not in found:
        known = ["picture", "residual", "backprojected", *(["error"] if problem.truth is not None else []), *found]
        raise InputError(f"There is no picture {kind!r} of this problem, only: {', '.join(known)}.")
    return found[kind]


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

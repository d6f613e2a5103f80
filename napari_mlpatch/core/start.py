"""The picture that iterations begin with, where it is another than the method's own: a warm start."""

from __future__ import annotations

from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import as_tensor
from .errors import InputError
from .events import Result
from .method import Method
from .problem import Problem, sha256
from .recipe import Recipe, Start


def start_of(given: Result | Any, problem: Problem) -> tuple[Tensor | None, Start | None]:
    """The picture of what a caller gave as a start, a result or a picture, and how a recipe speaks of it."""
    if given is None:
        return None, None
    x = as_batch(given.x if isinstance(given, Result) else given, problem)
    return x, Start(sha256=sha256(x), recipe=given.recipe if isinstance(given, Result) else None)


def as_batch(given: Any, problem: Problem) -> Tensor:
    """A picture to begin with, on the CPU, as ``[B, C, *A.domain_shape]``; those two axes may be missing.

    Raises InputError for another shape and for values that are not finite.
    """
    x = as_tensor(given, "The picture to start from").detach().cpu()
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(torch.float32)
    wanted = (*problem.y.shape[:2], *problem.A.domain_shape)
    shape = (1,) * (len(wanted) - x.ndim) + tuple(x.shape)
    if shape != wanted:
        raise InputError(
            f"The picture to start from has shape {list(x.shape)}, but the problem has pictures of shape "
            f"{list(wanted)}. Start from a result of this problem, or of one with pictures of the same shape."
        )
    if not bool(torch.isfinite(x).all()):
        raise InputError("The picture to start from holds NaN or infinite values. Replace them before.")
    return x.reshape(wanted)


def refusal(method: Method) -> str:
    """Why a method cannot begin with a given picture; empty where it can."""
    if method.takes_start:
        return ""
    why = method.no_start if method.iterative else "it makes its picture in one step, without iterations"
    return f"The method {method.name!r} cannot start from a picture: {why}."


def checked_start(given: Tensor | None, recipe: Recipe, method: Method, problem: Problem) -> Tensor | None:
    """The picture that a run begins with. Raises InputError where it is not that of the recipe, or of no use."""
    if recipe.start is None:
        if given is not None:
            raise InputError(
                "A picture to start from was given, but the recipe names none: make it with Recipe.of(..., start=...)."
            )
        return None
    reason = refusal(method)
    if reason:
        raise InputError(reason)
    if given is None:
        raise InputError("The recipe starts from a picture, which was not given: run(recipe, problem, start=picture).")
    x = as_batch(given, problem)
    if sha256(x) != recipe.start.sha256:
        raise InputError("The picture to start from is not that of the recipe: their fingerprints differ.")
    return x

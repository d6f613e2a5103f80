"""A method run to its end and nothing else: what remains of ``run`` where many problems of one kind are solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import all_finite
from .errors import InputError
from .fit import fit
from .method import Iterate, Method
from .problem import Problem
from .steps import moved, steps


def solved(
    method: Method,
    problem: Problem,
    network: Any = None,
    *,
    device: torch.device,
    seed: int = 0,
    limit: int | None = None,
    told: Callable[[Iterate | None], bool] = lambda iterate: True,
) -> Tensor | None:
    """The last picture ``[B, C, *A.domain_shape]`` on the CPU, the same as that of ``run`` to the bit.

    Data are not hashed, nothing is measured or scored, and tables stay on the device for the next problem. ``limit``:
    stop after this iteration. ``told`` is called after each step and ends the run where it says False: then None comes.
    ``method`` is settled. Raises InputError where it cannot work, and where it gives NaN or infinite values.
    """
    found = fit(method, network, problem)
    if found.refusal:
        raise InputError(found.refusal)
    last: Iterate | None = None
    there = problem if problem.y.device == device else problem.to(device)
    for iterate in steps(method, there, network, None, seed):
        last = iterate or last
        if not told(iterate):
            return None
        if iterate is not None and limit is not None and iterate.k >= limit:
            break
    if last is None:
        raise InputError(f"The method {method.name!r} has nothing to do: check its parameters and the data's scale.")
    if not all_finite(last.x):
        raise InputError(
            f"The method {method.name!r} produced NaN or infinite values. Check its parameters and the data's scale."
        )
    return moved(last.x.detach(), "cpu")

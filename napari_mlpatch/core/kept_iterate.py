"""An iterate on the way as a result of its own, and which one to take where there is no truth."""

from __future__ import annotations

import dataclasses
import math

from napari_mlpatch.torch_later import Tensor, torch

from .errors import InputError
from .events import Result
from .iterates import Recorder
from .metrics import evaluate, reduced_chi_square
from .problem import Problem


def kept(recorder: Recorder, k: int, result: Result, problem: Problem) -> Result:
    """Iterate k of the run that made ``result``, as if it had been stopped there: its recipe makes it again.

    The last iterate is the result itself. Raises InputError where it was not kept.
    """
    if k == result.iterations:
        return result
    x = recorder.at(k)
    history = tuple(row for row in result.history if row["k"] <= k)
    with torch.no_grad():
        metrics = evaluate(x, problem)
    return dataclasses.replace(
        result,
        x=x,
        metrics=metrics,
        history=history,
        recipe=result.recipe.model_copy(update={"stopped_at": k}),
        seconds=history[-1]["seconds"] if history else math.nan,
        iterations=k,
        converged=False,
        state={},  # of iterates on the way only the picture is kept: continuing begins anew
        note="",
        not_found="",
    )


def misfit(x: Tensor, problem: Problem) -> float:
    """``‖A x - y‖²`` relative to what is expected of the noise, where its level is given or estimated: 1 fits it."""
    with torch.no_grad():
        found = reduced_chi_square(x, problem)
        if math.isfinite(found):
            return found
        squares = (problem.A(x) - problem.y).abs().double().square().flatten(1).sum(1).cpu()
        expected = problem.std.square() * problem.sample_count * problem.y.shape[1]
        return float((squares.sum() / expected.sum()).nan_to_num(math.inf)) if float(expected.sum()) else math.inf


def best_by_residual(recorder: Recorder, problem: Problem) -> int:
    """The kept iterate whose residual comes nearest to what the noise leaves: the discrepancy principle.

    Morozov, On the solution of functional equations by the method of regularization, Soviet Math. Dokl. 7, 1966. Of
    equally good ones the first, as where there is no noise at all: then it is that of least residual. Raises
    InputError where no iterates are there.
    """
    values = {k: misfit(recorder.at(k), problem) for k in recorder.ks}
    if not values:
        raise InputError("No iterates were kept, so that none of them is the best.")
    if all(math.isinf(value) for value in values.values()):
        with torch.no_grad():
            lengths = {k: float((problem.A(recorder.at(k)) - problem.y).abs().double().norm()) for k in values}
        return min(lengths, key=lambda k: lengths[k])
    return min(values, key=lambda k: abs(math.log(max(values[k], 1e-300))))

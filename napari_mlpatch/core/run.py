"""The only executor of recipes. The window, the command line, batches and notebooks all loop over ``run``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from . import kept
from .arguments import instance
from .budget import is_out_of_memory
from .cost import remaining
from .declare import PYTHON
from .errors import InputError
from .events import Cancelled, Done, Event, Failed, Progress, Result, Started
from .fit import fit
from .iterates import Recorder
from .meter import Meter
from .method import Iterate, Method
from .metrics import data_range_of, evaluate, psnr
from .problem import Problem
from .recipe import Description, Recipe, build, describe
from .registry import operators
from .same_network import with_network
from .simulate import simulate
from .start import checked_start, start_of
from .steps import RANDOM, device_of, moved, steps
from .tables import held_bytes

__all__ = [
    "RANDOM",
    "Cancelled",
    "Control",
    "Done",
    "Event",
    "Failed",
    "Progress",
    "Result",
    "Started",
    "continued",
    "reconstruct",
    "run",
    "simulate",
]


class Control:
    """How another thread stops a run: ``stop()`` keeps the picture so far, ``cancel()`` does not."""

    def __init__(self) -> None:
        self.wish: str | None = None

    def stop(self) -> None:
        self.wish = self.wish or "stop"

    def cancel(self) -> None:
        self.wish = "cancel"


def run(
    recipe: Recipe,
    problem: Problem,
    *,
    network: Any = None,
    control: Control | None = None,
    state: dict[str, Any] | None = None,
    history: tuple[dict[str, float], ...] = (),
    start: Tensor | None = None,
    recorder: Recorder | None = None,
) -> Iterator[Event]:
    """Execute a recipe on its problem: ``Started``, any number of ``Progress``, then exactly one of ``Done``,
    ``Failed`` and ``Cancelled``. No exception leaves it.

    ``control`` is obeyed between two steps of the method. ``state`` and ``history`` of an earlier result continue it.
    ``start`` is the picture to begin with, of a recipe that names one. ``recorder`` is given every iterate.
    Between two events nothing of the caller's is changed: gradients and the global random numbers are as it left them.
    """
    k, obeyed = 0, Control() if control is None else control
    try:
        instance(obeyed, Control, "The control")
        if recorder is not None:
            instance(recorder, Recorder, "The recorder")
        instance(recipe, Recipe, "The recipe")
        instance(problem, Problem, "The problem")
        method = recipe.build_method()
        device = device_of(recipe.device)
        _check_problem(problem, recipe)
        start = None if state else checked_start(start, recipe, method, problem)
        found = fit(method, network, problem)
        if found.refusal:
            raise InputError(found.refusal)
        method = method.settled(network, device)
        recipe = with_network(recipe.model_copy(update={"method": Description(**describe(method))}), network)
        yield Started(recipe)
        before, done_before = (history[-1]["seconds"], history[-1]["k"]) if history else (0.0, 0)
        rows, last, limit, stopped = list(history), None, recipe.stopped_at, False
        with Meter(device) as meter, problem.A.visiting(device), kept.visiting(device):
            there = problem.to(device)
            begin = moved(start, device)
            for iterate in steps(method, there, network, moved(state, device), recipe.seed, begin):
                if iterate is None:
                    yield Progress(None, before + meter.seconds)
                else:
                    last, k = iterate, iterate.k
                    _check_finite(iterate, recipe.method.name)
                    scalars = iterate.scalars | _distance(iterate, there)
                    if k > done_before:  # one that had converged comes again
                        rows.append({"k": k, "seconds": before + meter.seconds, **scalars})
                        if recorder is not None:
                            recorder.add(k, iterate.x, scalars)
                    eta = remaining(rows[len(history) :], iterate.total)
                    yield Progress(iterate, before + meter.seconds, eta, scalars)
                if obeyed.wish == "cancel":
                    yield Cancelled(k)
                    return
                if last is not None and (obeyed.wish == "stop" or (limit is not None and k >= limit)):
                    stopped = True
                    break
            if last is None:
                raise InputError(_nothing_done(recipe.method.name, continues=state is not None))
            seconds, rise = before + meter.seconds, meter.peak_bytes  # without evaluation
            with torch.no_grad():
                metrics = evaluate(last.x, there)
            # tables are made apart: what a run takes does not depend on whether it found them
            peak = rise + max(problem.A.memory_bytes(), held_bytes(problem.A, device))
        if stopped and not last.converged and last.k < last.total:
            recipe = recipe.model_copy(update={"stopped_at": last.k})
        yield Done(
            Result(
                x=last.x.detach().cpu(),
                metrics=metrics,
                history=tuple(rows),
                recipe=recipe,
                seconds=seconds,
                peak_bytes=peak,
                iterations=last.k,
                converged=last.converged,
                state=moved(last.state, "cpu"),
                notes=tuple(filter(None, [found.remark])),
                note=last.remark,
                not_found=last.not_found,
            )
        )
    except InputError as error:
        yield Failed(str(error), error)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # methods of other packages raise anything
        if is_out_of_memory(error):
            error.__traceback__ = None  # its frames would keep the tensors
            there = last = iterate = None
            torch.cuda.empty_cache()
            yield Failed(_out_of_memory(problem, recipe), error)
        else:
            yield Failed(f"{type(error).__name__} at iteration {k}: {error}", error)


def reconstruct(
    problem: Problem,
    method: Method,
    weights: Any = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    start: Result | Any = None,
    recorder: Recorder | None = None,
) -> Result:
    """Run a method to its end and give the result; raises what went wrong.

    ``weights`` are ``mp.weights.find(name)``, or a network called with (x, sigma), for methods that need one.
    ``start`` is what iterations begin with: another result, whose recipe becomes part of the new one, or a picture
    ``[B, C, *A.domain_shape]``, which the recipe knows by its fingerprint only. ``recorder`` keeps iterates.

    >>> result = mp.reconstruct(problem, mp.methods.TV(weight=0.1))
    >>> result.x, result.metrics, result.history, result.recipe
    """
    instance(problem, Problem, "The problem")
    instance(method, Method, "The method")
    if not (weights is None or callable(weights) or hasattr(weights, "card")):
        what = "Weights are what mp.weights.find(name) gives, or a network called with (x, sigma)"
        raise InputError(f"{what}, got {type(weights).__name__}.")
    x0, begins = start_of(start, problem)
    recipe = Recipe.of(problem, method, weights=_named(weights, method), seed=seed, device=device, start=begins)
    for event in run(recipe, problem, network=weights, start=x0, recorder=recorder):
        if isinstance(event, Done):
            return event.result
        if isinstance(event, Failed):
            raise event.error
    raise AssertionError("a run without control ends in Done or Failed")


def _named(weights: Any, method: Method) -> str | None:
    """How a recipe names the weights: by their fingerprint, or as a Python callable, which nobody finds again."""
    if getattr(weights, "card", None) is not None:
        return weights.card.sha256
    if weights is None or not method.needs_network:
        return None
    return PYTHON + str(getattr(weights, "__qualname__", type(weights).__qualname__))


def continued(recipe: Recipe, iterations: int) -> Recipe:
    """The recipe of the same result with the iterations raised to ``iterations`` and no early stop."""
    params = recipe.method.params | {"iterations": iterations}
    method = recipe.method.model_copy(update={"params": params})
    return recipe.model_copy(update={"method": method, "stopped_at": None})


def _check_finite(iterate: Iterate, name: str) -> None:
    if not bool(torch.isfinite(iterate.x).all()):
        raise InputError(
            f"The method {name!r} produced NaN or infinite values at iteration {iterate.k}. "
            "Check its parameters and the scale of the data."
        )


def _nothing_done(name: str, *, continues: bool) -> str:
    if continues:
        return f"The method {name!r} has nothing left to do: raise its iterations."
    return (
        f"The method {name!r} has nothing left to do before its first iteration: its numbers are too large or "
        "too small to compute with. Check its parameters (a weight far too large, say) and the scale of the data."
    )


def _check_problem(problem: Problem, recipe: Recipe) -> None:
    if problem.fingerprint != recipe.data.sha256:
        raise InputError("The data are not those of the recipe: their fingerprints differ. Choose the right file.")
    here, there = describe(problem.A), recipe.operator
    # Built only where the texts differ, which those of equal arrays may.
    if here["name"] != there.name or (
        here["params"] != there.params and build(operators, there.model_dump()) != problem.A
    ):
        raise InputError("The operator of the data is not that of the recipe. Open them with the recipe's geometry.")
    if problem.noise_std != recipe.data.noise_std:
        raise InputError(
            f"The noise level of the data is given as {problem.noise_std}, that of the recipe is "
            f"{recipe.data.noise_std}. Make them equal, or make a new recipe."
        )


def _distance(iterate: Iterate, problem: Problem) -> dict[str, float]:
    """The PSNR, where the truth is known."""
    if problem.truth is None:
        return {}
    with torch.no_grad():
        x, truth = problem.A.picture(iterate.x), problem.A.picture(problem.truth)
        span = data_range_of(truth)
        return {"psnr": psnr(x, truth, data_range=span)} if span > 0 else {}


def _out_of_memory(problem: Problem, recipe: Recipe) -> str:
    try:
        tables = f"The operator's tables alone take about {problem.A.memory_bytes() / 2**30:.2f} GiB for an image of "
        tables += f"{tuple(problem.A.domain_shape)}. "
    except Exception:  # whatever happens here must not hide what happened there
        tables = ""
    return f"Out of memory on {recipe.device}. {tables}Use a smaller image, fewer angles, or another device."

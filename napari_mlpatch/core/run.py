"""The only executor of recipes. The window, the command line, batches and notebooks all loop over ``run``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .errors import InputError
from .meter import Meter
from .method import Iterate, Method
from .metrics import data_range_of, evaluate, psnr
from .problem import Problem, sha256
from .recipe import Recipe, build, describe
from .registry import operators


@dataclass(frozen=True)
class Result:
    """A finished (or stopped and kept) reconstruction. ``x`` is on the CPU, in the data's own units.

    ``history`` has one dict per iteration: ``k``, ``seconds`` and the method's scalars. ``state`` continues it.
    """

    x: Tensor = field(repr=False)
    metrics: dict[str, float]
    history: tuple[dict[str, float], ...] = field(repr=False)
    recipe: Recipe
    seconds: float
    peak_bytes: int
    iterations: int
    converged: bool
    state: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Started:
    recipe: Recipe


@dataclass(frozen=True)
class Progress:
    """``iterate`` is None during long inner work. ``eta`` is the expected time left in seconds.

    ``scalars`` are the iterate's, and the PSNR where the truth is known.
    """

    iterate: Iterate | None
    seconds: float
    eta: float | None = None
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    result: Result


@dataclass(frozen=True)
class Failed:
    """``message`` is for the user. ``error`` is the exception, for a log; bad input has an InputError."""

    message: str
    error: BaseException


@dataclass(frozen=True)
class Cancelled:
    k: int


Event = Started | Progress | Done | Failed | Cancelled


RANDOM = threading.RLock()
"""Held by who seeds PyTorch's global random numbers, until they are drawn: a job and a training may share a process."""


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
) -> Iterator[Event]:
    """Execute a recipe on its problem: ``Started``, any number of ``Progress``, then exactly one of ``Done``,
    ``Failed`` and ``Cancelled``. No exception leaves it.

    ``control`` is obeyed between two steps of the method. ``state`` and ``history`` of an earlier result continue it.
    Between two events nothing of the caller's is changed: gradients and the global random numbers are as it left them.
    """
    control = control or Control()
    k = 0
    try:
        method = recipe.build_method()
        device = _device(recipe.device)
        _check_problem(problem, recipe)
        reason = method.unsuitable(problem.A)
        if reason:
            raise InputError(reason)
        yield Started(recipe)
        before = history[-1]["seconds"] if history else 0.0
        done_before = history[-1]["k"] if history else 0
        rows, last, limit = list(history), None, recipe.stopped_at
        with Meter(device) as meter:
            there = problem.to(device)
            for iterate in _steps(method, there, network, state, recipe.seed):
                if iterate is None:
                    yield Progress(None, before + meter.seconds)
                else:
                    last, k = iterate, iterate.k
                    _check_finite(iterate, recipe.method.name)
                    scalars = iterate.scalars | _distance(iterate, there)
                    rows.append({"k": k, "seconds": before + meter.seconds, **scalars})
                    eta = meter.seconds / max(k - done_before, 1) * (iterate.total - k)
                    yield Progress(iterate, rows[-1]["seconds"], eta, scalars)
                if control.wish == "cancel":
                    yield Cancelled(k)
                    return
                if last is not None and (control.wish == "stop" or (limit is not None and k >= limit)):
                    break
            if last is None:
                raise InputError(f"The method {recipe.method.name!r} has nothing left to do: raise its iterations.")
            seconds = before + meter.seconds
            with torch.no_grad():
                metrics = evaluate(last.x, there)
            peak = meter.peak_bytes
        if not last.converged and last.k < last.total:
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
                state=last.state,
            )
        )
    except InputError as error:
        yield Failed(str(error), error)
    except Exception as error:
        if _is_out_of_memory(error):
            error.__traceback__ = None  # its frames would keep the tensors
            there = last = iterate = None
            torch.cuda.empty_cache()
            yield Failed(_out_of_memory(problem, recipe), error)
        else:
            yield Failed(f"{type(error).__name__} at iteration {k}: {error}", error)


def _steps(
    method: Method, problem: Problem, network: Any, state: dict[str, Any] | None, seed: int
) -> Iterator[Iterate | None]:
    """The steps of the method. Only while it works are gradients off and the global random numbers its own."""
    device = problem.y.device
    devices = [device] if device.type == "cuda" else []
    solving = iter(method.solve(problem, network, state))
    random: list[Tensor] = []
    while True:
        with RANDOM, torch.no_grad(), torch.random.fork_rng(devices):
            if random:
                torch.set_rng_state(random[0])
                for there, numbers in zip(devices, random[1:], strict=True):
                    torch.cuda.set_rng_state(numbers, there)
            else:
                torch.default_generator.manual_seed(seed)
                for there in devices:
                    with torch.cuda.device(there):
                        torch.cuda.manual_seed(seed)
            try:
                step = next(solving)
            except StopIteration:
                return
            random = [torch.get_rng_state(), *(torch.cuda.get_rng_state(there) for there in devices)]
        yield step


def reconstruct(problem: Problem, method: Method, weights: Any = None, *, seed: int = 0, device: str = "cpu") -> Result:
    """Run a method to its end and give the result; raises what went wrong.

    ``weights`` are ``mp.weights.find(name)``, or a network called with (x, sigma), for methods that need one.

    >>> result = mp.reconstruct(problem, mp.methods.TV(weight=0.1))
    >>> result.x, result.metrics, result.history, result.recipe
    """
    sha256 = getattr(getattr(weights, "card", None), "sha256", None)
    recipe = Recipe.of(problem, method, weights=sha256, seed=seed, device=device)
    for event in run(recipe, problem, network=weights):
        if isinstance(event, Done):
            return event.result
        if isinstance(event, Failed):
            raise event.error
    raise AssertionError("a run without control ends in Done or Failed")


def continued(recipe: Recipe, iterations: int) -> Recipe:
    """The recipe of the same result with the iterations raised to ``iterations`` and no early stop."""
    params = recipe.method.params | {"iterations": iterations}
    method = recipe.method.model_copy(update={"params": params})
    return recipe.model_copy(update={"method": method, "stopped_at": None})


@dataclass(frozen=True)
class Cost:
    """Expected seconds and peak bytes of a run."""

    seconds: float
    bytes: int


def estimate(problem: Problem, method: Method, network: Any = None) -> Cost:
    """Time and memory that a run will take at most, from timing Aᵀ and AᵀA here (which builds their tables).

    The denoiser is timed too, where the method has one; without ``network`` a learned one counts as nothing.
    """
    expected = method.estimate(problem)
    A, y = problem.A, problem.y
    with torch.no_grad():
        x = torch.zeros_like(A.T(y))
        seconds = 2 * _time(lambda: A.T(y)) + expected.operator_calls * _time(lambda: A.normal(x))
        if expected.denoiser_calls:
            seconds += expected.denoiser_calls * _time(lambda: method.denoise_once(problem, network))
    return Cost(seconds, int(A.memory_bytes() + expected.images * x.numel() * x.element_size()))


def _time(call: Callable[[], Tensor | None]) -> float:
    """Seconds of a second call."""
    start = time.perf_counter()
    for _ in range(2):
        start = time.perf_counter()
        made = call()
        if made is not None and made.is_cuda:
            torch.cuda.synchronize()
    return time.perf_counter() - start


def simulate(x: Tensor, A: Any, noise: Any = None, *, seed: int = 0, source: dict[str, Any] | None = None) -> Problem:
    """A problem with known truth: ``y = A x`` plus noise. ``x`` is ``[B, C, *A.domain_shape]`` or one image.

    ``source`` says where the image came from, in plain JSON.
    """
    image = torch.as_tensor(x).detach()
    if not (image.is_floating_point() or image.is_complex()):
        image = image.to(torch.float32)
    while image.ndim < 2 + len(A.domain_shape):
        image = image[None]
    y = A(image)
    # What was not measured carries no noise, and does not count where the noise is relative to the data.
    where = None if A.sampled is None else A.sampled.to(y.device).expand(A.range_shape)
    clean = y if where is None else y[..., where]
    noisy = clean if noise is None else noise(clean, seed)
    if where is not None:
        noisy = y.masked_scatter(where, noisy)
    image_source = {"image": source or {"kind": "memory"}, "image_sha256": sha256(image)}
    return Problem(
        A,
        noisy,
        noise=noise,
        truth=image,
        noise_std=0.0 if noise is None else noise.level(clean),
        source={"kind": "simulated", **image_source, "seed": seed},
    )


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"Unknown device {name!r}. Use 'cpu', 'cuda' or 'cuda:0'.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"The device {name!r} was asked for, but this machine has no usable GPU. Use 'cpu'.")
    try:
        torch.empty(1, device=device).item()
    except Exception as error:  # a number beyond the last GPU, a kind that this PyTorch was built without
        raise InputError(f"The device {name!r} cannot be used here ({error}). Use 'cpu'.") from None
    return device


def _check_finite(iterate: Iterate, name: str) -> None:
    if not bool(torch.isfinite(iterate.x).all()):
        raise InputError(
            f"The method {name!r} produced NaN or infinite values at iteration {iterate.k}. "
            "Check its parameters and the scale of the data."
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


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    known = ("not enough memory", "can't allocate memory", "out of memory", "alloc_failed")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in text for words in known)


def _out_of_memory(problem: Problem, recipe: Recipe) -> str:
    try:
        tables = f"The operator's tables alone take about {problem.A.memory_bytes() / 2**30:.2f} GiB for an image of "
        tables += f"{tuple(problem.A.domain_shape)}. "
    except Exception:  # whatever happens here must not hide what happened there
        tables = ""
    return f"Out of memory on {recipe.device}. {tables}Use a smaller image, fewer angles, or another device."

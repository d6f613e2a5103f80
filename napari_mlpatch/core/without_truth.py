"""Which picture is best where no truth is known: SURE, GCV and Fourier ring correlation. They take more runs.

What needs none is in ``goodness``: chi-square and whiteness of the residual.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Generator
from typing import Any, TypeVar

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import instance, seed_of
from .errors import InputError
from .events import Done, Failed
from .frc import RingCorrelation, halves, ring_correlation
from .goodness import sampled
from .problem import Problem
from .recipe import Recipe
from .run import run

GIVE_WAY = 0.1
"""Seconds between two chances to leave a computation."""

T = TypeVar("T")
Computing = Generator[None, None, T]

WORDS = (
    "Chi-square and whiteness tell whether the residual holds more than noise. SURE and GCV estimate the error of A x, "
    "the data as they would be without noise; ring correlation tells where two halves of the data agree. None of them "
    "sees what A does not: errors in its null space, a wrong A, or artefacts that both halves share."
)
"""What figures without a truth show, and what they cannot."""
BLIND = "Without a truth nothing sees errors in A's null space, a wrong A, or artefacts that all data share."

STARTED = (
    "The result began with another picture, so that it is not made from its data alone. Run it from its own start."
)
STEP = 0.1
"""Size of a perturbation in standard deviations of the noise (Ramani, Blu & Unser: any small one does)."""
STEP_OF_DATA = 0.01
"""The same in root mean squares of the data, where the noise is unknown."""


def judge(
    x: Tensor, recipe: Recipe, problem: Problem, network: Any = None, *, probes: int = 1, seed: int = 0
) -> dict[str, float]:
    """Figures of a picture x that need no truth but more runs of its recipe: ``sure``, ``gcv``, ``frc``.

    See ``divergence``, ``sure``, ``gcv``, ``ring_correlation_of_halves``. Those that do not apply are left out;
    ``why_not`` says why. Raises InputError where a run fails.
    """
    return _value(judging(x, recipe, problem, network, probes=probes, seed=seed))


def judging(
    x: Tensor, recipe: Recipe, problem: Problem, network: Any = None, *, probes: int = 1, seed: int = 0
) -> Computing[dict[str, float]]:
    """``judge`` step by step: a generator of None that returns the figures. Closing it ends the computation."""
    found, missing = {}, why_not(recipe, problem)
    if "gcv" not in missing:
        spread = yield from _divergence(x, recipe, problem, network, probes, seed)
        found = {"sure": sure(x, problem, spread), "gcv": gcv(x, problem, spread)}
    if "frc" not in missing:
        correlation = yield from _halves(recipe, problem, network)
        found["frc"] = correlation.resolution()
    return {key: value for key, value in found.items() if not math.isnan(value)}


def why_not(recipe: Recipe, problem: Problem) -> dict[str, str]:
    """Which figures of ``judge`` do not apply to a picture, and why, in words."""
    instance(problem, Problem, "The problem")
    instance(recipe, Recipe, "The recipe")
    if recipe.start is not None:
        return dict.fromkeys(("sure", "gcv", "frc"), STARTED)
    found: dict[str, str] = {}
    if problem.noise is not None and problem.noise.variance(sampled(problem.y, problem)) is not None:
        found = dict.fromkeys(
            ("sure", "gcv"), "Their noise depends on the signal; SURE and GCV are for white Gaussian noise."
        )
    elif not problem.noise_std:
        found = {"sure": "The level of their noise is not known; GCV does without it."}
    if problem.A.halves() is None:
        found["frc"] = "These data cannot be divided into two halves that each make a picture."
    return found


def sure(x: Tensor, problem: Problem, divergence: float) -> float:
    """Stein's unbiased estimate of the error of the predicted data, relative to the noise; NaN where that is unknown.

    ``(‖A x - y‖² - m σ² + 2 σ² div) / (m σ²)`` estimates ``‖A x - A x_true‖² / (m σ²)``, the *prediction risk* over
    the m samples: 0 is perfect, 1 as bad as the data themselves. ``divergence`` is that of ``y -> A x(y)``. For white
    Gaussian noise (Stein, Ann. Stat. 9, 1981). Where A is the identity it is the mean square error of x; where
    A has a null space, errors in there do not count. On complex data, where σ² is that of the whole, ``div`` is half of
    the divergence over real and imaginary parts.
    """
    if not problem.noise_std:
        return math.nan
    power, m = problem.noise_std**2, _count(problem)
    return (_square(x, problem) - m * power + 2.0 * power * divergence) / (m * power)


def gcv(x: Tensor, problem: Problem, divergence: float) -> float:
    """Generalised cross-validation, ``(‖A x - y‖² / m) / (1 - div / m)²``, in squared units of the data.

    It estimates the prediction risk plus the variance of the noise, which need not be known, up to a factor near 1; its
    smallest value is the best (Golub, Heath & Wahba, Technometrics 21, 1979). ``divergence`` is the trace of the
    hat matrix ``y -> A x(y)``, or of its derivative where a method is not linear. NaN where it leaves no freedom.
    """
    m = _count(problem)
    left = 1.0 - divergence / m
    return _square(x, problem) / m / left**2 if left > 0 else math.nan


def divergence(
    x: Tensor, recipe: Recipe, problem: Problem, network: Any = None, *, probes: int = 1, seed: int = 0
) -> float:
    """The divergence of ``y -> A x(y)``, from one more run for each probe: how many degrees of freedom the fit has.

    ``bᵀ (A x(y + ε b) - A x(y)) / ε``, the mean over probes b of random signs (Hutchinson, Commun. Stat. 19, 1990;
    Ramani, Blu & Unser, IEEE Trans. Image Process. 17, 2008). Raises InputError where the picture began
    with another picture.
    """
    return _value(_divergence(x, recipe, problem, network, probes, seed))


def ring_correlation_of_halves(recipe: Recipe, problem: Problem, network: Any = None) -> RingCorrelation:
    """Fourier ring correlation of two pictures made by a recipe from every other view (line...) and the rest.

    Raises InputError where the data cannot be divided (``frc.halves``).
    """
    return _value(_halves(recipe, problem, network))


def ring_correlating(recipe: Recipe, problem: Problem, network: Any = None) -> Computing[RingCorrelation]:
    """The same step by step, as ``judging``."""
    return _halves(recipe, problem, network)


def _divergence(x: Tensor, recipe: Recipe, problem: Problem, network: Any, probes: int, seed: int) -> Computing[float]:
    instance(problem, Problem, "The problem")
    if not isinstance(probes, int) or probes < 1:
        raise InputError(f"The number of probes is a whole number from 1 on, got {probes!r:.60}.")
    generator = torch.Generator().manual_seed(seed_of(seed))
    rms = float(sampled(problem.y, problem).abs().double().square().mean().sqrt())
    step = STEP * (problem.noise_std or 0.0) or STEP_OF_DATA * rms or 1.0
    before, total = problem.A(x), 0.0
    for _ in range(probes):
        b = signs(problem.y, generator)
        again = yield from _again(
            recipe, dataclasses.replace(problem, y=problem.y + step * _known(b, problem)), network
        )
        change = sampled(problem.A(again) - before, problem)
        total += float((sampled(b, problem).conj() * change).real.double().sum()) / step
    return total / probes / (2.0 if problem.y.is_complex() else 1.0)


def signs(y: Tensor, generator: torch.Generator) -> Tensor:
    """Random signs like y, of complex numbers in real and imaginary part."""
    shape = (*y.shape, 2) if y.is_complex() else y.shape
    drawn = (torch.randint(0, 2, shape, generator=generator) * 2 - 1).to(y.dtype.to_real())
    return torch.view_as_complex(drawn) if y.is_complex() else drawn


def _known(y: Tensor, problem: Problem) -> Tensor:
    """y where it is measured, zero elsewhere."""
    where = problem.A.sampled
    return y if where is None else y * where.to(y.device)


def _halves(recipe: Recipe, problem: Problem, network: Any) -> Computing[RingCorrelation]:
    instance(problem, Problem, "The problem")
    found = []
    for half in halves(problem):
        x = yield from _again(recipe, half, network)
        found.append(x if x.is_complex() else problem.A.picture(x))
    return ring_correlation(found[0], found[1])


def _again(recipe: Recipe, problem: Problem, network: Any) -> Computing[Tensor]:
    """The picture that a recipe makes of another measurement, on the CPU."""
    if recipe.start is not None:
        raise InputError(STARTED)
    problem = dataclasses.replace(problem, truth=None, source={"kind": "memory"})
    method, known = recipe.build_method(), recipe.model_dump(include={"weights", "seed", "device"})
    again, told = Recipe.of(problem, method, **known), time.monotonic()
    for event in run(again.model_copy(update={"stopped_at": recipe.stopped_at}), problem, network=network):
        if isinstance(event, Failed):
            raise event.error if isinstance(event.error, InputError) else RuntimeError(event.message)
        if isinstance(event, Done):
            return event.result.x
        if time.monotonic() - told > GIVE_WAY:
            yield None
            told = time.monotonic()
    raise AssertionError("a run without control ends in Done or Failed")


def _count(problem: Problem) -> int:
    """Samples of all items and channels."""
    return problem.sample_count * problem.y.shape[0] * problem.y.shape[1]


def _square(x: Tensor, problem: Problem) -> float:
    return float(sampled(problem.A(x) - problem.y, problem).abs().double().square().sum())


def _value(computing: Computing[T]) -> T:
    while True:
        try:
            next(computing)
        except StopIteration as end:
            return end.value

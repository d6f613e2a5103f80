"""Whether a picture explains its measurement: relative residual, chi-square, whiteness. No truth is needed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

from napari_mlpatch.torch_later import Tensor

from .arguments import instance
from .problem import Problem

FLOOR = (
    0.01  # of the mean variance, below which a sample's is not taken at its word: a count there would weigh too much
)
REACH = 2
"""Lags in each of the last two axes; in one axis alone, as many lags as these give in two."""
FEWEST = 20
"""Pairs of samples below which a lag says nothing."""
ROUNDING = 1e-6
"""Residuals smaller than this share of the data are rounding errors."""


@dataclass(frozen=True, eq=False)
class Explained:
    """A picture x beside its measurement: what metrics that need no truth are computed from."""

    x: Tensor
    problem: Problem

    @cached_property
    def predicted(self) -> Tensor:
        """A x."""
        return self.problem.A(self.x)

    @cached_property
    def residual(self) -> Tensor:
        """A x - y, ``[B, C, *range_shape]``."""
        return self.predicted - self.problem.y


def relative_residual(x: Tensor, problem: Problem) -> float:
    """``‖A x - y‖ / ‖y‖``."""
    instance(problem, Problem, "The problem")
    return relative(Explained(x, problem))


def relative(found: Explained) -> float:
    size = float(found.problem.y.abs().double().norm())
    return float(found.residual.abs().double().norm()) / size if size else math.nan


def reduced_chi_square(x: Tensor, problem: Problem) -> float:
    """Mean of ``|A x - y|² / variance``: about 1 where the residual is as large as the noise.

    The variance is ``noise_std²``. Where noise depends on the signal (counts), that is its mean, and each sample has
    its own, by the noise model from A truth, or where the truth is unknown from A x; samples whose variance is below a
    hundredth of the mean weigh as if they had that, and the mean is taken relative to its expectation. NaN where the
    noise is unknown. Well below 1 the noise was fitted, well above 1 the picture misses signal.
    """
    instance(problem, Problem, "The problem")
    return chi_square(Explained(x, problem))


def chi_square(found: Explained) -> float:
    problem = found.problem
    if not problem.noise_std:
        return math.nan
    level = problem.noise_std**2
    squares = sampled(found.residual.abs().double().square(), problem)
    clean = found.predicted if problem.truth is None else problem.A(problem.truth)
    variance = None if problem.noise is None else problem.noise.variance(sampled(clean, problem))
    if variance is None or not float(variance.mean()) > 0:
        return float(squares.mean()) / level
    variance = variance * (level / float(variance.mean()))
    weight = 1.0 / variance.clamp(min=FLOOR * level)
    return float((weight * squares).sum() / (weight * variance).sum())


def sampled(y: Tensor, problem: Problem) -> Tensor:
    """What was measured of y."""
    where = problem.A.sampled
    return y if where is None else y[..., where.to(y.device).expand(problem.A.range_shape)]


# ---- whiteness -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Correlation:
    """How neighbours in a residual go together at one lag (rows, columns of the data; one number in one axis).

    ``rho`` is their correlation coefficient, its real part for complex data; ``score`` is about 1 for white noise.
    """

    lag: tuple[int, ...]
    rho: float
    score: float


def whiteness(x: Tensor, problem: Problem) -> float:
    """How white the residual A x - y is: about 1 for white noise, larger where neighbours in it go together.

    The mean over lags l (up to 2 samples in each of the last two axes of the data, 12 in all) and over items of
    ``|Σ r[i] r*[i+l]|² / Σ |r[i] r[i+l]|²``, over all pairs of which both samples were measured. That is the
    statistic of Box & Pierce (1970) divided by its number of lags, each normalised by its own products, so that the
    level of the noise need not be known, nor be the same at all samples (Dalla, Giraitis & Phillips, Econometric Theory
    38, 2022). For independent noise its mean is 1 and its standard deviation ``sqrt(2 / 12)``, for complex noise
    ``sqrt(1 / 12)``. As a criterion for pictures: Almeida & Figueiredo, IEEE Trans. Image Process. 22 (2013). NaN
    where the residual is no more than rounding errors, or has too few neighbours.
    """
    instance(problem, Problem, "The problem")
    return white(Explained(x, problem))


def white(found: Explained) -> float:
    scores = [c.score for item in correlations(found) for c in item]
    return math.fsum(scores) / len(scores) if scores else math.nan


def correlations(found: Explained) -> list[list[Correlation]]:
    """Of each item's residual, at all lags that ``whiteness`` looks at and that have enough pairs."""
    problem, r = found.problem, found.residual
    shape = problem.A.range_shape
    where = None if problem.A.sampled is None else problem.A.sampled.to(r.device).expand(shape)
    if where is not None:
        r = r * where
    sizes = problem.y.abs().flatten(1).double().norm(dim=1)
    items = []
    for item, size in zip(r, sizes.tolist(), strict=True):
        scale = float(item.abs().max())
        exact = not scale > 0 or float(item.abs().double().norm()) <= ROUNDING * size
        if exact:
            items.append([])
            continue
        item = item / scale
        power = item.abs().square()
        items.append([c for lag in lags(shape) if (c := _at(item, power, where, lag)) is not None])
    return items


def lags(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Half of the lags around zero: the other half says the same."""
    if len(shape) == 1 or shape[-2] == 1:
        last = [(k,) for k in range(1, REACH * (2 * REACH + 1) + REACH + 1)]
        return [lag for lag in last if lag[0] < shape[-1]]
    around = itertools.product(range(REACH + 1), range(-REACH, REACH + 1))
    return [lag for lag in around if lag > (0, 0) and lag[0] < shape[-2] and abs(lag[1]) < shape[-1]]


def _at(r: Tensor, power: Tensor, where: Tensor | None, lag: tuple[int, ...]) -> Correlation | None:
    """The correlation at one lag; ``power`` is ``|r|²``."""
    first, second = _shifted(lag)
    a, b = r[(..., *first)], r[(..., *second)]
    power_a, power_b = power[(..., *first)], power[(..., *second)]
    count = a.numel()
    if where is not None:
        count = int((where[(..., *first)] & where[(..., *second)]).sum()) * len(r)
    expected = float((power_a * power_b).sum())
    if count < FEWEST or not expected > 0:
        return None
    total = complex((a * b.conj()).sum())
    norm = math.sqrt(float(power_a.sum()) * float(power_b.sum()))
    return Correlation(lag, total.real / norm, abs(total) ** 2 / expected)


def _shifted(lag: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The samples i and i + lag, of the last axes."""
    first = tuple(slice(max(-k, 0), -k if k > 0 else None) for k in lag)
    second = tuple(slice(max(k, 0), k if k < 0 else None) for k in lag)
    return first, second

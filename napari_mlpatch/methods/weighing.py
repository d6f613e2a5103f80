"""Data of which some samples are much noisier than others, weighed so that all have the same noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from napari_mlpatch.core.problem import Problem
from napari_mlpatch.operators.weighted import Weighted
from napari_mlpatch.torch_later import Tensor, torch

ALIKE = 3.0
"""Ratio of the variances of noisy and quiet samples (95 and 5 of a hundred) up to which all count the same."""

Weighing = Annotated[
    Literal["auto", "none"],
    Field(
        description="of the samples, one over the variance of their noise where the noise model knows it from the data "
        "and it differs by more than a factor of 3; none: all count the same"
    ),
]


@dataclass(frozen=True, eq=False)
class WeighedProblem(Problem):
    """``w y = (w A) x + w n``, where ``w n`` has the standard deviation ``item_std`` ``[B]`` in all samples."""

    item_std: Tensor | None = None

    @property
    def std(self) -> Tensor:  # type: ignore[override]
        assert self.item_std is not None
        return self.item_std


def weighed(problem: Problem, weighing: str) -> Problem:
    """The problem with its samples weighed by ``w = s / standard deviation of their noise``, or as it is.

    s, the root of the harmonic mean of an item's variances, makes the mean of w² one, so that the data term is of the
    same size, and a given weight of a penalty of the same strength, as without. As it is where the noise model does
    not know the variances from noisy data, and where no item has samples of very different noise.
    """
    if weighing == "none" or problem.noise is None:
        return problem
    variance = problem.noise.variance_of_noisy(problem.y)
    if variance is None:
        return problem
    flat = variance.double().flatten(1)
    low, high = (torch.stack([_quantile(v, q) for v in flat]) for q in (0.05, 0.95))
    uneven = high > ALIKE * low
    if not bool(uneven.any()):
        return problem
    s2 = 1.0 / (1.0 / flat).mean(1)
    w2 = torch.where(uneven[:, None], s2[:, None] / flat, 1.0).reshape(variance.shape)
    w = w2.sqrt().to(problem.y.dtype.to_real())
    std = torch.where(uneven.cpu(), s2.sqrt().cpu(), problem.std)
    return WeighedProblem(
        Weighted(problem.A, w), w * problem.y, problem.noise, problem.truth, source=problem.source, item_std=std
    )


def _quantile(values: Tensor, q: float) -> Tensor:
    return torch.quantile(values[:: max(1, values.numel() // 100_000)], q)

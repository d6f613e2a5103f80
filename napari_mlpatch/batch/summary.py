"""What a benchmark says: methods ranked by the mean over all images and seeds, with the standard deviation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_mlpatch.core.metrics import METRICS

from .benchmark import Run
from .benchmark_recipe import BenchmarkRecipe

RANKING = ("psnr", "nrmse", "reduced_chi_square")
"""By which figure methods are ranked: the first that there is."""


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (``1 / (n - 1)``; NaN of a single value) of n values."""

    mean: float
    sd: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of those that are numbers."""
        known = np.array([v for v in values if not math.isnan(v)], dtype=float)
        if not len(known):
            return cls(math.nan, math.nan, 0)
        return cls(float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else math.nan, len(known))


@dataclass(frozen=True)
class Standing:
    """A method's place: ``rank`` from 1, ``method`` its number in the recipe, its figures by key, what failed."""

    rank: int
    method: int
    title: str
    figures: dict[str, Spread] = field(default_factory=dict)
    seconds: Spread = Spread(math.nan, math.nan, 0)
    failed: int = 0
    errors: tuple[str, ...] = ()


def ranked_by(runs: Sequence[Run]) -> str | None:
    """The key of the figure that ranks; None where there is none."""
    return next((key for key in RANKING if any(key in run.metrics for run in runs)), None)


def keys_of(runs: Sequence[Run]) -> list[str]:
    """The figures that there are, in the order of METRICS."""
    return [metric.key for metric in METRICS if any(metric.key in run.metrics for run in runs)]


def standings(recipe: BenchmarkRecipe, runs: Sequence[Run], image: int | None = None) -> list[Standing]:
    """Methods in their order, over all images or one. Those with failures come behind, as their means are of less."""
    key, keys = ranked_by(runs), keys_of(runs)
    mine = [run for run in runs if image in (None, run.image)]
    found = []
    for m, entrant in enumerate(recipe.methods):
        own = [run for run in mine if run.method == m]
        good = [run for run in own if not run.error]
        figures = {name: Spread.of(run.metrics.get(name, math.nan) for run in good) for name in keys}
        errors = tuple(dict.fromkeys(run.error for run in own if run.error))
        found.append(
            Standing(0, m, entrant.title, figures, Spread.of(r.seconds for r in good), len(own) - len(good), errors)
        )

    def order(one: Standing) -> tuple:
        value = one.figures[key].mean if key in one.figures else math.nan
        return (math.isnan(value), one.failed > 0, math.inf if key is None else METRICS.get(key).order(value))

    ordered = sorted(found, key=order)
    return [Standing(i, s.method, s.title, s.figures, s.seconds, s.failed, s.errors) for i, s in enumerate(ordered, 1)]


def written(spread: Spread, key: str) -> str:
    """``mean ± SD`` as the metric writes its values; the mean alone where there is one value."""
    if not spread.n:
        return "-"
    metric = METRICS.get(key)
    mean, digits = metric.text(spread.mean), metric.form.endswith("g}")
    if math.isnan(spread.sd):
        return mean
    return f"{mean} ± {spread.sd:.2g}" if digits else f"{mean} ± {metric.text(spread.sd)}"

"""What a sweep is made of: candidates, cells with their figures, and which cell is the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from napari_mlpatch.core.events import Result
from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.core.recipe import Recipe

from .l_curve import Corner, corner
from .values import Axis

RANKING = ("psnr", "reduced_chi_square")
"""By which figure the best is found: the first that there is."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A method with its other parameters as they are, and the weights that it runs with."""

    method: Any
    weights: Any = None

    @property
    def trained(self) -> str | None:
        return getattr(getattr(self.weights, "card", None), "sha256", None)


@dataclass(frozen=True, eq=False)
class Cell:
    """One combination: its method and values and, once it was run, picture and figures, or why there are none.

    ``picture`` is ``[rows, columns]`` of the region, ``lengths`` those of residual and penalty (see ``l_curve``).
    """

    method: str
    values: dict[str, Any]
    weights: str | None = None
    recipe: Recipe | None = None
    picture: np.ndarray | None = field(default=None, repr=False)
    metrics: dict[str, float] = field(default_factory=dict)
    lengths: tuple[float, float] = (math.nan, math.nan)
    penalty: str = ""
    seconds: float = 0.0
    iterations: int = 0
    converged: bool = False
    error: str = ""

    @property
    def title(self) -> str:
        return " ".join([self.method, *(f"{name}={written(value)}" for name, value in self.values.items())])


@dataclass(frozen=True, eq=False)
class Sweep:
    """All combinations in order: methods, then the first axis, then the second. ``found`` is the best one's result."""

    cells: tuple[Cell, ...]
    axes: tuple[Axis, ...]
    ranked_by: str | None
    found: Result | None = field(default=None, repr=False)

    @cached_property
    def best(self) -> int | None:
        """The number of the best cell: by ``ranked_by``, or where nothing can be said of the noise, at the corner."""
        if self.ranked_by is None:
            return None if self.corner is None else self.corner.index
        return best_of(self.cells, self.ranked_by)

    @cached_property
    def corner(self) -> Corner | None:
        """That of the L-curve of one method with one axis of numbers, ``index`` counting cells; else None."""
        if len(self.axes) != 1 or len({cell.method for cell in self.cells}) != 1:
            return None
        values = [next(iter(cell.values.values()), None) for cell in self.cells]
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            return None
        residuals, sizes = zip(*(cell.lengths for cell in self.cells), strict=True)
        return corner([float(v) for v in values], residuals, sizes)  # type: ignore[arg-type]


def written(value: Any) -> str:
    """A value as a caption has it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def best_of(cells: Sequence[Cell], key: str) -> int | None:
    """The number of the cell with the best value of a metric; None where none has one."""
    metric = METRICS.get(key)
    known = [i for i, cell in enumerate(cells) if not math.isnan(cell.metrics.get(key, math.nan))]
    return min(known, key=lambda i: metric.order(cells[i].metrics[key]), default=None)

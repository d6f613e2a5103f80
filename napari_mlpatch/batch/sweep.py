"""A sweep: one or two parameters take several values, of one or several methods, and every picture is scored.

>>> axes = [axis("weight=0.01:1:log9", ["tv"])]
>>> for event in sweep(problem, [Candidate(mp.methods.TV())], axes):
...     if isinstance(event, Swept):
...         event.sweep.best, event.sweep.corner
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.arguments import instance
from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.events import Done, Failed, Progress, Result
from napari_mlpatch.core.metrics import evaluate
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.region import mask_of
from napari_mlpatch.core.registry import methods
from napari_mlpatch.core.run import Control, run
from napari_mlpatch.torch_later import torch

from .l_curve import lengths, penalty
from .pool import Pool, told
from .sweep_cell import RANKING, Candidate, Cell, Sweep, best_of, written
from .values import MOST, Axis

__all__ = [
    "RANKING",
    "Candidate",
    "Cell",
    "Ended",
    "Step",
    "Sweep",
    "Swept",
    "best_of",
    "of_item",
    "planned",
    "sweep",
    "written",
]


@dataclass(frozen=True)
class Step:
    """Cell ``index`` goes on; ``progress`` is that of its run."""

    index: int
    progress: Progress


@dataclass(frozen=True)
class Ended:
    """Cell ``index`` has its picture, or its error."""

    index: int
    cell: Cell


@dataclass(frozen=True)
class Swept:
    """All is done, or as much as there was when it was cancelled."""

    sweep: Sweep
    cancelled: bool = False


def planned(candidates: Sequence[Candidate], axes: Sequence[Axis]) -> list[tuple[Candidate, Cell]]:
    """All combinations, before they are run. Raises InputError where there are none or too many, or an axis is idle."""
    candidates, axes = _listed(candidates, Candidate, "methods"), _listed(axes, Axis, "axes")
    if not candidates or not 1 <= len(axes) <= 2:
        raise InputError(f"A sweep varies one or two parameters of at least one method, got {len(axes)} parameter(s).")
    for one in axes:
        if not any(one.belongs_to(candidate.method.name) for candidate in candidates):
            raise InputError(f"None of the methods has the parameter {one.label!r}, which is to be varied.")
    found = []
    for candidate in candidates:
        own = [one for one in axes if one.belongs_to(candidate.method.name)]
        for values in itertools.product(*(one.values for one in own)):
            named = {one.name: value for one, value in zip(own, values, strict=True)}
            found.append((candidate, Cell(candidate.method.name, named, candidate.trained)))
    if len(found) > MOST:
        raise InputError(f"These are {len(found)} combinations, more than {MOST}: vary in fewer steps.")
    return found


def _listed(values: Any, kind: type, what: str) -> list[Any]:
    """Raises InputError for what is no list of such things."""
    if not isinstance(values, list | tuple) or not all(isinstance(value, kind) for value in values):
        raise InputError(f"The {what} of a sweep are a list of {kind.__name__}, got {values!r:.60}.")
    return list(values)


def sweep(
    problem: Problem,
    candidates: Sequence[Candidate],
    axes: Sequence[Axis],
    *,
    region: Any = None,
    item: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    control: Control | None = None,
    pool: Pool | None = None,
) -> Iterator[Step | Ended | Swept]:
    """Run every combination and score it, on a region of the picture or all of it, of one item of a stack or all.

    A combination that fails has its error in words, and the others go on. ``control`` is obeyed between two steps:
    ``cancel`` ends with what there is, ``stop`` after the present combination. With a ``pool`` the combinations are run
    there, as many at a time as it has workers: they end in any order, and without steps.
    """
    instance(problem, Problem, "The problem")
    control = Control() if control is None else control
    instance(control, Control, "control")
    plan = planned(candidates, axes)
    if item is not None:
        problem = of_item(problem, item)
    rows, columns = problem.A.domain_shape[-2:]
    mask = None if region is None else mask_of(region, (rows, columns)).cpu().numpy()
    box = _box(mask)
    cells, found, ranked_by = [cell for _, cell in plan], None, None
    job = _Job(problem, tuple(plan), region, box, seed, device)
    for index, event in _here(job, control) if pool is None else _there(job, control, pool):
        if isinstance(event, Progress):
            yield Step(index, event)
            continue
        cells[index], result = event
        ranked_by = next((key for key in RANKING if any(key in cell.metrics for cell in cells)), None)
        if result is not None and (ranked_by is None or best_of(cells, ranked_by) == index):
            found = result
        yield Ended(index, cells[index])
    made = Sweep(tuple(cells), tuple(axes), ranked_by, found if ranked_by else None)
    yield Swept(made, cancelled=control.wish is not None)


def of_item(problem: Problem, index: int) -> Problem:
    """The problem of one item of a stack. Raises InputError where it has no such item."""
    count = len(problem.y)
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        raise InputError(f"The item of the stack is a number from 0 to {count - 1}, got {index!r:.40}.")
    if count == 1:
        return problem
    source = dict(problem.source)
    if source.get("kind") == "file":
        source["options"] = {**source.get("options", {}), "slice": index}
    else:
        source = {"kind": "memory"}
    truth = None if problem.truth is None else problem.truth[index : index + 1]
    return dataclasses.replace(problem, y=problem.y[index : index + 1], truth=truth, source=source)


Scored = tuple[Cell, Result | None]


@dataclass(frozen=True, eq=False)
class _Job:
    """All that the combinations of a sweep share."""

    problem: Problem
    plan: tuple[tuple[Candidate, Cell], ...]
    region: Any
    box: tuple[slice, slice]
    seed: int
    device: str

    def run(self, index: int, control: Control) -> Iterator[Progress | Scored]:
        candidate, cell = self.plan[index]
        yield from _cell(self.problem, candidate, cell, self.region, self.box, self.seed, self.device, control)


def _here(job: _Job, control: Control) -> Iterator[tuple[int, Progress | Scored]]:
    """One combination after the other."""
    for index in range(len(job.plan)):
        if control.wish is not None:
            return
        inner = Control()
        for event in job.run(index, inner):
            yield index, event
            if control.wish == "cancel":
                inner.cancel()


def _there(job: _Job, control: Control, pool: Pool) -> Iterator[tuple[int, Scored]]:
    """In any order."""
    for index, event in pool.results(_last, job, range(len(job.plan)), control):
        failed = isinstance(event, BaseException)
        yield index, (dataclasses.replace(job.plan[index][1], error=told(event)), None) if failed else event


def _last(job: _Job, index: int) -> Scored:
    *_, last = job.run(index, Control())
    assert not isinstance(last, Progress)
    return last


def _cell(
    problem: Problem,
    candidate: Candidate,
    cell: Cell,
    region: Any,
    box: tuple[slice, slice],
    seed: int,
    device: str,
    control: Control,
) -> Iterator[Progress | Scored]:
    """Run one combination; last comes the cell with all that there is to say about it."""
    try:
        described = describe(candidate.method)
        method = build(methods, described | {"params": described["params"] | cell.values})
        recipe = Recipe.of(problem, method, weights=candidate.trained, seed=seed, device=device)
        for event in run(recipe, problem, network=candidate.weights, control=control):
            if isinstance(event, Progress):
                yield event
            elif isinstance(event, Failed):
                yield dataclasses.replace(cell, recipe=recipe, error=event.message), None
            elif isinstance(event, Done):
                yield _scored(problem, cell, event.result, region, box)
    except InputError as error:
        yield dataclasses.replace(cell, error=str(error)), None
    except Exception as error:  # a metric of another package
        yield dataclasses.replace(cell, error=f"{type(error).__name__}: {error}"), None


def _scored(problem: Problem, cell: Cell, result: Result, region: Any, box: tuple[slice, slice]) -> Scored:
    method = result.recipe.build_method()
    with torch.no_grad():
        metrics = result.metrics if region is None else evaluate(result.x, problem, region=region)
        picture = problem.A.picture(result.x)[0, 0].cpu().numpy()[(..., *box)]
        while picture.ndim > 2:
            picture = picture[len(picture) // 2]
        both = lengths(result.x, problem, method)
    return dataclasses.replace(
        cell,
        recipe=result.recipe,
        picture=picture.copy(),
        metrics=metrics,
        lengths=both,
        penalty=penalty(result.x[:1, :1], method)[0],
        seconds=result.seconds,
        iterations=result.iterations,
        converged=result.converged,
    ), dataclasses.replace(result, state={})


def _box(mask: np.ndarray | None) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle around a region; all where it is None."""
    if mask is None:
        return np.s_[:, :]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

"""Iterations as an axis: the kept iterates of a result, looked at, chosen by a number, made a result of their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_mlpatch.core.events import Result
from napari_mlpatch.core.kept_iterate import best_by_residual, kept

from .entry import Entry
from .jobs import Job, to_image
from .workbench import Workbench


def look_at(workbench: Workbench, entry: Entry, k: int, then: Callable[[int, np.ndarray], None]) -> None:
    """Hand over iterate k, or the kept one nearest to it: ``then(k, picture)``, unless another was asked for since."""
    recorder, A = entry.job.iterates, entry.scene.problem.A
    if recorder is None or not len(recorder):
        return

    def picture() -> tuple[int, np.ndarray]:
        there = recorder.nearest(k)
        return there, to_image(A.picture(recorder.at(there)))

    workbench.quick.call("iterate", picture, lambda found: then(*found), _failed(workbench))


def best(workbench: Workbench, entry: Entry, by: str, then: Callable[[int], None]) -> None:
    """Hand over the iteration that is best by "psnr", or by "residual": the discrepancy principle."""
    recorder, problem = entry.job.iterates, entry.scene.problem
    if recorder is None or not len(recorder):
        return
    if by == "psnr":
        found = recorder.best("psnr")
        if found is not None:
            then(found)
        return
    workbench.quick.call("best iterate", lambda: best_by_residual(recorder, problem), then, _failed(workbench))


def keep(workbench: Workbench, entry: Entry, k: int, then: Callable[[Entry], None] = lambda entry: None) -> None:
    """Make iterate k of a result an entry of its own, as if the run had been stopped there."""
    result, recorder, problem = entry.result, entry.job.iterates, entry.scene.problem
    if result is None or recorder is None:
        return

    def found() -> tuple[Result, np.ndarray]:
        one = kept(recorder, k, result, problem)
        return one, to_image(problem.A.picture(one.x))

    def add(found: tuple[Result, np.ndarray]) -> None:
        one, frame = found
        name = entry.named.also(f"stopped at {k}")
        job = Job(name.title, problem, one.recipe, entry.job.network, start=entry.job.start)
        job.state, job.result, job.k, job.total, job.seconds = "done", one, k, entry.job.total, one.seconds
        job.history, job.frame, job.limits = list(one.history), frame, entry.scene.limits
        known = next((e for e in workbench.entries if e.job.recipe == one.recipe and e.result is not None), None)
        added = known or workbench.add(Entry(name, entry.scene, one.recipe.method.model_dump(), job, one))
        workbench.entry_progressed.emit(added)
        workbench.select(added)
        workbench.entries_changed.emit()
        then(added)

    workbench.quick.call(f"keep {entry.id}", found, add, _failed(workbench))


def _failed(workbench: Workbench) -> Callable[[Exception], None]:
    return lambda error: workbench.failed.emit(str(error))

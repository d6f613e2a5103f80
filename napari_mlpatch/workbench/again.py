"""Results from recipes: run again, or taken into the table as they are; and another truth for what is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_mlpatch.batch.replay import as_batch, open_problem, open_start, open_weights, rerun, with_start
from napari_mlpatch.batch.replay import execute as executed
from napari_mlpatch.core.events import Result
from napari_mlpatch.core.iterates import Recorder
from napari_mlpatch.core.metrics import evaluate
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.torch_later import Tensor, torch

from .entry import Entry
from .jobs import Job
from .named import Named
from .scene import Frame, Scene
from .workbench import Workbench

Failed = Callable[[Exception], None]


def run_again(workbench: Workbench, recipe: Recipe, frame: Frame, failed: Failed) -> None:
    """Open the data of a recipe, make them the present problem unless they are, and queue the recipe on them."""

    def prepare() -> tuple[Scene, Recipe, Any, Tensor | None]:
        scene = _scene(workbench, recipe, frame)
        trained = open_weights(recipe) if recipe.build_method().needs_network else None
        start = open_start(recipe, scene.problem, executed)
        return scene, with_start(rerun(recipe, scene.problem), start), trained, start

    def go(made: tuple[Scene, Recipe, Any, Tensor | None]) -> None:
        scene, again, trained, start = made
        job = Job("", scene.problem, again, trained, start=start, iterates=Recorder(pool=workbench.pool))
        entry = _add(workbench, scene, job)
        workbench.queue.submit(job)
        workbench.select(entry)
        workbench.entries_changed.emit()

    workbench.quick.call("again", prepare, go, failed)


def take(workbench: Workbench, recipe: Recipe, picture: np.ndarray, frame: Frame, failed: Failed) -> None:
    """Take a saved picture into the table of its problem, with figures of merit but without a history."""

    def prepare() -> tuple[Scene, Result]:
        scene = _scene(workbench, recipe, frame)
        x = as_batch(np.array(picture), scene.problem)
        k = recipe.stopped_at or recipe.method.params.get("iterations") or 1
        found = evaluate(x, scene.problem)
        return scene, Result(x, found, (), recipe, 0.0, 0, int(k), True, {}, notes=("taken from a file",))

    def go(made: tuple[Scene, Result]) -> None:
        scene, result = made
        job = Job("", scene.problem, recipe)
        job.state, job.result, job.k = "done", result, result.iterations
        entry = _add(workbench, scene, job)
        entry.result = result
        workbench.select(entry)
        workbench.entries_changed.emit()

    workbench.quick.call("take", prepare, go, failed)


def set_truth(workbench: Workbench, image: np.ndarray, failed: Failed) -> None:
    """Make an image the true one of the present problem, and measure its results anew."""
    old = workbench.scene
    if old is None:
        return
    entries = [e for e in workbench.present if e.result is not None]

    def prepare() -> tuple[Scene, list[tuple[Entry, Result, Result]]]:
        truth = as_batch(np.array(image, dtype=np.float32), old.problem)
        problem = dataclasses.replace(old.problem, truth=truth.to(_kind(old.problem)))
        scene = Scene(problem, old.title, old.frame, (*old.notes, "the truth is a layer")).show()
        measured = []
        for entry in entries:
            result = entry.result
            if result is not None:
                metrics = evaluate(result.x, problem)
                measured.append((entry, result, dataclasses.replace(result, metrics=metrics)))
        return scene, measured

    def go(made: tuple[Scene, list[tuple[Entry, Result, Result]]]) -> None:
        scene, measured = made
        for entry, before, result in measured:
            if entry.result is before:
                entry.result = entry.job.result = result
        for entry in workbench.present:
            entry.scene = scene
        workbench.set_scene(scene)
        workbench.entries_changed.emit()

    workbench.quick.call("truth", prepare, go, failed)


def _kind(problem: Problem) -> torch.dtype:
    return torch.complex64 if problem.A.pinv(problem.y[:1]).is_complex() else torch.float32


def _scene(workbench: Workbench, recipe: Recipe, frame: Frame) -> Scene:
    """A scene that is there, of this very problem, or a new one."""
    known = [workbench.scene, *(entry.scene for entry in workbench.entries)]
    for scene in known:
        if scene is None or scene.problem.fingerprint != recipe.data.sha256:
            continue
        if Recipe.of(scene.problem, recipe.build_method()).operator == recipe.operator:
            return scene
    problem = open_problem(recipe)
    source = recipe.data.source
    title = str(source.get("path") or source.get("name") or source.get("kind"))
    return Scene(problem, title, frame).show()


def _add(workbench: Workbench, scene: Scene, job: Job) -> Entry:
    """A row for a job, in its problem, which is the present one from then on."""
    if workbench.scene is None or not scene.problem.same_as(workbench.scene.problem):
        workbench.set_scene(scene)
    recipe = job.recipe
    card = job.network
    name = Named.of(recipe.build_method(), card)
    used = {e.number for e in workbench.present}
    number = next(n for n in range(len(used) + 1) if n not in used)
    job.title = name.title
    entry = Entry(name, scene, recipe.method.model_dump(), job, number=number)
    workbench.entries.append(entry)
    return entry

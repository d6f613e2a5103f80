"""Simulate and benchmark: methods compared on many simulated measurements, in a folder that can be gone on with.

>>> for event in benchmark(recipe, Folder("compared", "benchmark")):
...     if isinstance(event, Compared):
...         event.runs
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch import __version__, io, weights
from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.events import Done, Failed, Progress, Result
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import methods, noises, operators
from napari_mlpatch.core.run import Control, run
from napari_mlpatch.core.simulate import simulate
from napari_mlpatch.torch_later import torch

from .benchmark_recipe import BenchmarkRecipe, Entrant
from .benchmark_run import Run, kept, known
from .folder import Folder
from .pool import Pool, told


@dataclass(frozen=True)
class Step:
    """Number ``index`` goes on; ``progress`` is that of its run."""

    index: int
    progress: Progress


@dataclass(frozen=True)
class Ran:
    """Number ``index`` has its figures, or its error; ``reused`` whether they were there already."""

    index: int
    run: Run
    reused: bool = False


@dataclass(frozen=True)
class Compared:
    """All is done, or as much as there was when it was cancelled."""

    recipe: BenchmarkRecipe
    runs: tuple[Run, ...]
    cancelled: bool = False


Event = Step | Ran | Compared


def benchmark(
    recipe: BenchmarkRecipe, folder: Folder, control: Control | None = None, pool: Pool | None = None
) -> Iterator[Event]:
    """Run all that is not in the folder already: images x seeds x methods, in this order.

    Each run is written at once (figures as JSON, the picture of the first seed as TIFF with its recipe), and found
    again by the hash of image, operator, noise, seed, method, weights, device and version. What fails has its error in
    words, is not kept, and ends nothing. With a ``pool`` they are run there and end in any order, without steps; images
    and weights travel there, files are written here. Raises InputError where the recipe makes no sense at all.
    """
    recipe.check()
    control = control or Control()
    trained = {one.weights: _weights(one.weights) for one in recipe.methods}
    runs: dict[int, Run] = {}
    events = _here(recipe, trained, folder, control) if pool is None else _there(recipe, trained, folder, control, pool)
    for index, event in events:
        if isinstance(event, Progress):
            yield Step(index, event)
        else:
            runs[index], reused = event
            yield Ran(index, runs[index], reused)
    cancelled = control.wish is not None
    yield Compared(recipe, tuple(runs[index] for index in sorted(runs)), cancelled)


Ended = tuple[Run, bool]
"""A run with its figures or its error, and whether they were there already."""
Place = tuple[Run, Entrant]


def _places(recipe: BenchmarkRecipe, image: int) -> list[Place]:
    return [(Run(image, seed, m), entrant) for seed in recipe.seeds for m, entrant in enumerate(recipe.methods)]


def _here(
    recipe: BenchmarkRecipe, trained: dict[str | None, Any], folder: Folder, control: Control
) -> Iterator[tuple[int, Progress | Ended]]:
    """One run after the other."""
    index = -1
    for i in range(len(recipe.images)):
        image = _Image(recipe, i)
        for one, entrant in _places(recipe, i):
            index += 1
            if control.wish is not None:
                return
            for event in _run(recipe, image, one, entrant, trained[entrant.weights], folder, control):
                yield index, event


def _there(
    recipe: BenchmarkRecipe, trained: dict[str | None, Any], folder: Folder, control: Control, pool: Pool
) -> Iterator[tuple[int, Ended]]:
    """What the folder has first, all others in any order."""
    images = tuple(_Image(recipe, i) for i in range(len(recipe.images)))
    missing: list[tuple[int, Run, Any, str | None]] = []
    places = [place for i in range(len(images)) for place in _places(recipe, i)]
    for index, (one, entrant) in enumerate(places):
        try:
            one, method = _planned(recipe, images[one.image], one, entrant, trained[entrant.weights])
            found = known(one, folder, needs_picture=one.seed == recipe.seeds[0])
            if found is not None:
                yield index, (found, True)
            else:
                missing.append((index, one, method, entrant.weights))
        except Exception as error:
            yield index, (dataclasses.replace(one, error=_words(error)), False)
    for number, result in pool.results(_reconstructed, (recipe, images, trained), missing, control):
        index, one, *_ = missing[number]
        if isinstance(result, BaseException):
            words = str(result) if isinstance(result, InputError) else told(result)
            yield index, (dataclasses.replace(one, error=words), False)
            continue
        try:
            yield index, (kept(one, result, folder, with_picture=one.seed == recipe.seeds[0]), False)
        except Exception as error:
            yield index, (dataclasses.replace(one, error=_words(error)), False)


def _reconstructed(shared: tuple[BenchmarkRecipe, tuple[_Image, ...], dict], item: tuple[int, Run, Any, Any]) -> Result:
    """What a worker does. Raises what went wrong."""
    recipe, images, trained = shared
    _, one, method, named = item
    *_, result = _computed(recipe, images[one.image].problem(one.seed), one, method, trained[named], Control())
    assert isinstance(result, Result)
    return result


class _Image:
    """One image with its operator; measurements of it are simulated when they are asked for."""

    def __init__(self, recipe: BenchmarkRecipe, index: int):
        self.recipe, self.source = recipe, recipe.images[index]
        self.error = ""
        self._problem: tuple[int, Problem] | None = None
        try:
            self.pixels = io.open_image(self.source)
            cls = operators.get(recipe.operator.name)
            self.A = build(
                operators,
                {"name": cls.name, "params": {**cls.suggest(self.pixels.shape), **recipe.operator.params}},
            )
            self.noise = None if recipe.noise is None else build(noises, recipe.noise.model_dump())
            self.key = {
                "image": hashlib.sha256(np.ascontiguousarray(self.pixels).tobytes()).hexdigest(),
                "shape": list(self.pixels.shape),
                "operator": describe(self.A),
                "noise": None if self.noise is None else describe(self.noise),
            }
        except InputError as error:
            self.error = str(error)

    def problem(self, seed: int) -> Problem:
        if self._problem is None or self._problem[0] != seed:
            made = simulate(torch.from_numpy(self.pixels), self.A, self.noise, seed=seed, source=dict(self.source))
            self._problem = seed, made
        return self._problem[1]


def _run(
    recipe: BenchmarkRecipe, image: _Image, one: Run, entrant: Entrant, trained: Any, folder: Folder, control: Control
) -> Iterator[Progress | Ended]:
    """One reconstruction, or what the folder has of it. Nothing is raised."""
    try:
        one, method = _planned(recipe, image, one, entrant, trained)
        found = known(one, folder, needs_picture=one.seed == recipe.seeds[0])
        if found is not None:
            yield found, True
            return
        for event in _computed(recipe, image.problem(one.seed), one, method, trained, control):
            if isinstance(event, Progress):
                yield event
            else:
                yield kept(one, event, folder, with_picture=one.seed == recipe.seeds[0]), False
    except Exception as error:  # one row's failure ends no other row
        yield dataclasses.replace(one, error=_words(error)), False


def _planned(recipe: BenchmarkRecipe, image: _Image, one: Run, entrant: Entrant, trained: Any) -> tuple[Run, Any]:
    """The run with its key, and its method. Raises InputError."""
    if image.error or isinstance(trained, str):
        raise InputError(image.error or trained)
    method = build(methods, {"name": entrant.name, "params": entrant.params})
    sha = None if trained is None else trained.card.sha256
    parts = image.key | {"seed": one.seed, "method": describe(method), "weights": sha, "device": recipe.device}
    text = json.dumps(parts | {"version": __version__}, sort_keys=True)
    return dataclasses.replace(one, key=hashlib.sha256(text.encode()).hexdigest()), method


def _computed(
    recipe: BenchmarkRecipe, problem: Problem, one: Run, method: Any, trained: Any, control: Control
) -> Iterator[Progress | Result]:
    """The reconstruction, its result last. Raises InputError."""
    sha = None if trained is None else trained.card.sha256
    made = Recipe.of(problem, method, weights=sha, seed=one.seed, device=recipe.device)
    for event in run(made, problem, network=trained, control=control):
        if isinstance(event, Progress):
            yield event
        elif isinstance(event, Failed):
            raise InputError(event.message)
        elif isinstance(event, Done):
            yield dataclasses.replace(event.result, state={})


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def _weights(name: str | None) -> Any:
    """Weights, or why they are not there."""
    if name is None:
        return None
    try:
        return weights.find(name)
    except InputError as error:
        return str(error)

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
from dataclasses import dataclass, field
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
from .folder import Folder

POINTS = 200
"""Of a history, at most so many are kept for the plots."""


@dataclass(frozen=True)
class Run:
    """One reconstruction: the numbers of its image and method in the recipe, its figures or why there are none.

    ``key`` is the hash of all that decides the picture; ``history`` has ``k``, ``seconds`` and ``psnr``.
    """

    image: int
    seed: int
    method: int
    key: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    iterations: int = 0
    converged: bool = False
    peak_bytes: int = 0
    history: tuple[dict[str, float], ...] = field(default=(), repr=False)
    recipe: dict[str, Any] = field(default_factory=dict, repr=False)
    error: str = ""

    @property
    def name(self) -> str:
        """Of its files, without ending."""
        return f"runs/{self.key[:20]}"


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


def benchmark(recipe: BenchmarkRecipe, folder: Folder, control: Control | None = None) -> Iterator[Event]:
    """Run all that is not in the folder already: images x seeds x methods, in this order.

    Each run is written at once (figures as JSON, the picture of the first seed as TIFF with its recipe), and found
    again by the hash of image, operator, noise, seed, method, weights, device and version. What fails has its error in
    words, is not kept, and ends nothing. Raises InputError where the recipe makes no sense at all.
    """
    recipe.check()
    control = control or Control()
    trained = {one.weights: _weights(one.weights) for one in recipe.methods}
    runs: list[Run] = []
    index = 0
    for i in range(len(recipe.images)):
        made = _Image(recipe, i)
        for seed in recipe.seeds:
            for m, entrant in enumerate(recipe.methods):
                if control.wish is not None:
                    yield Compared(recipe, tuple(runs), cancelled=True)
                    return
                one = Run(i, seed, m)
                for event in _run(recipe, made, one, entrant, trained[entrant.weights], folder, control):
                    if isinstance(event, Progress):
                        yield Step(index, event)
                    elif event is not None:
                        done, reused = event
                        runs.append(done)
                        yield Ran(index, done, reused)
                index += 1
    yield Compared(recipe, tuple(runs), cancelled=control.wish is not None)


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
) -> Iterator[Progress | tuple[Run, bool] | None]:
    """One reconstruction, or what the folder has of it. Nothing is raised."""
    try:
        if image.error or isinstance(trained, str):
            raise InputError(image.error or trained)
        method = build(methods, {"name": entrant.name, "params": entrant.params})
        sha = None if trained is None else trained.card.sha256
        parts = image.key | {"seed": one.seed, "method": describe(method), "weights": sha, "device": recipe.device}
        text = json.dumps(parts | {"version": __version__}, sort_keys=True)
        one = dataclasses.replace(one, key=hashlib.sha256(text.encode()).hexdigest())
        known = _known(one, folder, needs_picture=one.seed == recipe.seeds[0])
        if known is not None:
            yield known, True
            return
        problem = image.problem(one.seed)
        made = Recipe.of(problem, method, weights=sha, seed=one.seed, device=recipe.device)
        for event in run(made, problem, network=trained, control=control):
            if isinstance(event, Progress):
                yield event
            elif isinstance(event, Failed):
                raise InputError(event.message)
            elif isinstance(event, Done):
                yield _kept(one, event.result, problem, folder, with_picture=one.seed == recipe.seeds[0]), False
    except Exception as error:  # one row's failure ends no other row
        words = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        yield dataclasses.replace(one, error=words), False


def _kept(one: Run, result: Result, problem: Problem, folder: Folder, with_picture: bool) -> Run:
    """The figures of a result, written into the folder together with its picture."""
    rows = [{key: row[key] for key in ("k", "seconds", "psnr") if key in row} for row in result.history]
    step = -(-len(rows) // POINTS)
    thinned = rows[::step] if step < 2 or rows[-1] in rows[::step] else [*rows[::step], rows[-1]]
    done = dataclasses.replace(
        one,
        metrics={key: float(value) for key, value in result.metrics.items()},
        seconds=result.seconds,
        iterations=result.iterations,
        converged=result.converged,
        peak_bytes=result.peak_bytes,
        history=tuple(thinned),
        recipe=json.loads(result.recipe.to_json()),
    )
    if with_picture:
        path = folder.path / f"{done.name}.tif"
        path.parent.mkdir(exist_ok=True)
        io.write_result(path, result, force=folder.force or folder.is_own(f"{done.name}.tif"))
        folder.own(path)
    about = dataclasses.asdict(done) | {"image": done.image}
    folder.write(f"{done.name}.json", json.dumps(about, indent=1))
    return done


def _known(one: Run, folder: Folder, needs_picture: bool) -> Run | None:
    """The figures that an earlier run has left, for the place that they have in this recipe."""
    about = folder.read_json(f"{one.name}.json")
    if not isinstance(about, dict) or about.get("key") != one.key:
        return None
    if needs_picture and not folder.is_own(f"{one.name}.tif"):
        return None
    try:
        found = Run(**about)
    except TypeError:  # of another version
        return None
    return dataclasses.replace(found, image=one.image, seed=one.seed, method=one.method, history=tuple(found.history))


def _weights(name: str | None) -> Any:
    """Weights, or why they are not there."""
    if name is None:
        return None
    try:
        return weights.find(name)
    except InputError as error:
        return str(error)

"""What a worker has to know, as plain values that travel, and what it opens of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from napari_mlpatch.batch.replay import open_weights
from napari_mlpatch.core.budget import bytes_of
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.meter import resident
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.core.solve import solved
from napari_mlpatch.core.steps import device_of
from napari_mlpatch.torch_later import torch

from .adopt import adopted
from .blocks import Block
from .care.step import Geometry, cared, halo_of
from .markers import Markers
from .pieces import most
from .sinks import sink_for
from .source import Source, open_stack
from .stack_recipe import Center, StackRecipe

CENTERS = 2
"""Operators of other rotation axes than the recipe's that are kept; they share the large tables."""


@dataclass(frozen=True)
class Job:
    """A stack to reconstruct: its settled recipe as JSON, where its data lie, where the volume goes.

    ``fingerprint`` is that of the data as the run began, ``weights`` a file to take instead of what the recipe names.
    ``lanes`` blocks are computed at a time in each worker, which takes ``bytes`` of memory, each with so many
    ``threads`` (0: its share of those that the worker has): with others the last digits would be others. Of pieces of
    the file that hold several slices it keeps at most ``kept`` bytes, where
    the slices ``wanted`` are all that is read.
    """

    recipe: str
    source: str
    out: str = ""
    fingerprint: str = ""
    weights: str | None = None
    lanes: int = 1
    bytes: int = 0
    threads: int = 0
    kept: int = 0
    wanted: tuple[int, int] | None = None

    @cached_property
    def stack_recipe(self) -> StackRecipe:
        return StackRecipe.from_json(self.recipe)


Loaded = tuple[np.ndarray, Geometry | None]


class Tools:
    """All that a process opens once for a job: the source, method and weights, the operator with its tables.

    ``resident`` is the memory of the process [bytes] before any of it.
    One thread at a time reads, several may compute. Raises InputError like the run of one slice.
    """

    def __init__(self, job: Job, source: Source | None = None):
        self.job, self.resident = job, resident()
        self.source = source or open_stack(job.source, job.stack_recipe.recipe)
        self.stack, notes = adopted(job.stack_recipe, self.source)
        self.source.notes += tuple(note for note in notes if note not in self.source.notes)
        recipe = self.recipe = self.stack.recipe
        if job.fingerprint and self.source.fingerprint != job.fingerprint:
            raise InputError(f"{self.source.path} is not the same on all machines, or has changed since the run began.")
        if source is None and job.fingerprint:  # else the run has not begun
            self.source.pieces.within(job.kept, job.wanted)
            self.source.pieces.use(Markers(sink_for(job.out).path).folder, self.source.fingerprint)
        self.device = device_of(recipe.device)
        method = recipe.build_method()
        self.network = open_weights(recipe, job.weights) if method.needs_network else None
        self.method = method.settled(self.network, self.device)
        self.noise = None if recipe.noise is None else build(noises, recipe.noise.model_dump())
        self.steps = self.stack.steps()
        if self.steps and self.source.kind != "sinogram":
            raise InputError(f"Steps of sinogram care are for sinograms, {self.source.path} holds {self.source.kind}.")
        if self.stack.center is not None and self.source.kind != "sinogram":
            raise InputError("A centre of rotation is for sinograms only: leave it out.")
        self._others: OrderedDict[int, Operator] = OrderedDict()
        self._lock = threading.Lock()
        self._ahead: tuple[int, int, Loaded] | None = None
        self.is_warm = False
        """Whether its tables are there, or are being made."""

    @cached_property
    def A(self) -> Operator:
        """The operator of the recipe; k-space has one for each slice."""
        return build(operators, self.recipe.operator.model_dump())

    def load(self, start: int, stop: int) -> Loaded:
        """The data of a range of slices, cared for."""
        ahead, self._ahead = self._ahead, None
        self.source.check_same()
        if ahead is not None and ahead[:2] == (start, stop):
            return ahead[2]
        loaded = self.care(self.source.read(*self.around(start, stop)), start, stop)
        self.source.check_same()
        return loaded

    def read_ahead(self, count: int) -> None:
        """Load the first ``count`` slices now: who asks for them next gets them at once."""
        first, last = self.stack.range(self.source.count)
        stop = min(first + count, last)
        if bytes_of((stop - first, *self.source.shape), 4) > most():
            return
        with suppress(Exception):  # whatever is wrong with them comes again
            self._ahead = first, stop, self.load(first, stop)

    def around(self, start: int, stop: int) -> tuple[int, int]:
        """The slices that have to be read for a range: with the rows around it that care looks at."""
        halo = halo_of(self.steps)
        return max(start - halo, 0), min(stop + halo, self.source.count)

    def care(self, values: np.ndarray, start: int, stop: int) -> Loaded:
        """A range of slices, cared for, of the ``values`` of those ``around`` it."""
        low, high = self.around(start, stop)
        geometry = self.source.geometry(low, high)
        if geometry is None:
            return values, None
        rule = self.stack.center or Center(values=(self.A.axis_bin,))  # type: ignore[attr-defined]
        geometry = replace(geometry, centers=rule.of(low, high, self.source.count))
        return cared(self.steps, values, geometry, start, stop)

    def problems(self, loaded: Loaded, start: int) -> Iterator[Problem]:
        """The slices of a range as problems ``[slices, 1, *range_shape]``: as many together as have one operator."""
        values, geometry = loaded
        if self.source.kind == "kspace":
            for k, one in enumerate(values):
                problem = self.source.problem(one, start + k)
                assert problem is not None
                yield replace(problem, noise=self.noise, noise_std=self.recipe.data.noise_std)
            return
        centers = None if geometry is None else geometry.centers
        for center, group in groupby(range(len(values)), lambda k: None if centers is None else float(centers[k])):
            which = list(group)
            A = self.A if geometry is None else self._after_care(geometry, values.shape[2], center)
            if values.shape[1:] != A.range_shape:
                raise InputError(
                    f"The slices have data of shape {list(values.shape[1:])}, the operator of the recipe measures "
                    f"{list(A.range_shape)}. Take a recipe that was tuned on a slice of this stack."
                )
            y = torch.from_numpy(np.ascontiguousarray(values[which[0] : which[-1] + 1, None]))
            yield Problem(A, y, noise=self.noise, noise_std=self.recipe.data.noise_std)

    def compute(
        self, loaded: Loaded, start: int, told: Callable[[Iterate | None], bool] = lambda iterate: True
    ) -> np.ndarray | None:
        """Pictures float32 ``[slices, rows, columns]`` of a range; None where ``told`` ended it."""
        pictures = []
        for problem in self.problems(loaded, start):
            x = solved(
                self.method,
                problem,
                self.network,
                device=self.device,
                seed=self.recipe.seed,
                limit=self.recipe.stopped_at,
                told=told,
            )
            if x is None:
                return None
            pictures.append(problem.A.picture(x)[:, 0].float().numpy())
        return pictures[0] if len(pictures) == 1 else np.concatenate(pictures)

    def picture_shape(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        shape: Any = self.A.domain_shape
        if len(shape) != 2:
            raise InputError(f"A stack is made of pictures with rows and columns, this operator's have {list(shape)}.")
        return shape

    def _after_care(self, geometry: Geometry, bins: int, center: float | None) -> Operator:
        """The recipe's operator, with what steps of care or the rule of centres have changed of it.

        Those of other axes share the plan of the first one.
        """
        A: Any = self.A
        changes: dict[str, Any] = {} if center in (None, A.axis_bin) else {"center": center}
        if self.steps and (bins, len(geometry.angles_deg)) != (A.detector_count, len(A.angles_deg)):
            angles = tuple(map(float, geometry.angles_deg))
            changes |= {"detector_count": bins, "angles_deg": angles, "center": center}
        if not changes:
            return A
        key = hash(tuple(changes.values()))
        with self._lock:
            if key not in self._others:
                params = {**self.recipe.operator.params, **changes}
                self._others[key] = build(operators, {"name": self.recipe.operator.name, "params": params})
                while len(self._others) > CENTERS:
                    self._others.popitem(last=False)
            return self._others[key]


@dataclass(frozen=True)
class Report:
    """What became of a block, of which ``holds`` slices are there now, whenever they were made.

    ``missed`` are the slices that could not be made, with the reasons. ``message`` tells why the block as a whole could
    not, ``ends`` says that no other can be either; ``passing`` that it may be possible when it is tried again. ``left``
    means that it was not begun or not ended, because the run is to end.
    """

    block: Block
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    message: str = ""
    ends: bool = False
    left: bool = False
    holds: int = 0
    missed: tuple[tuple[int, str], ...] = ()
    passing: bool = False

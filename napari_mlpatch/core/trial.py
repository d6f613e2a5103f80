"""Estimating a run's time and memory by starting it: set-up and first iterations, on its device and its own data."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .arguments import instance
from .cost import Cost
from .errors import InputError
from .events import Done, Failed, Progress, Result, Started
from .method import Method
from .problem import Problem
from .recipe import Recipe
from .run import Control, run
from .tables import cached

SECONDS = 1.0
"""What a trial takes at least, if the method has so much to do; tables are not counted."""
PATIENCE = 5.0
"""Seconds after the first iteration, however long set-up took, after which the next one of a slow method is not waited
for."""
ITERATIONS = 4
"""Of a method whose iterations are not alike, see ``Method.shortened``. The first ones may take several times as long
as the last, so that only all of them together tell: they are waited for ``LONGEST`` seconds."""
LONGEST = 20.0
AFTER_FIRST = 3
"""Iterations that are timed beside the first one, within ``PATIENCE``."""
GIVE_WAY = 0.1
"""Seconds between two chances to leave a trial."""


def estimate(problem: Problem, method: Method, network: Any = None, *, device: str | None = None) -> Cost:
    """Time and memory of running the method to its last iteration, on ``device`` (by default where the data are).

    Measured: see ``estimates``, which gives way in between. Raises InputError where the method cannot run.
    """
    (cost,) = [cost for cost in estimates(problem, method, network, device=device) if cost is not None]
    return cost


def estimates(
    problem: Problem, method: Method, network: Any = None, *, device: str | None = None
) -> Iterator[Cost | None]:
    """None about ten times a second, so that the trial can be left, then the cost.

    The operator's tables, which the run needs in any case, are made by the way and do not count in its time; their
    memory does. Without ``network``, the denoiser of a method that needs one counts as nothing.
    """
    instance(problem, Problem, "The problem")
    instance(method, Method, "The method")
    if device is not None and not isinstance(device, str):
        raise InputError(f"A device is written 'cpu', 'cuda' or 'cuda:0', got {type(device).__name__}.")
    if method.needs_network and network is None:
        network = _nothing
    short = method.shortened(ITERATIONS)
    recipe = Recipe.of(problem, short, device=device or str(problem.y.device))
    first = _Trial(problem, recipe, network)
    if short is method:
        yield from first.steps(SECONDS, least=1 + AFTER_FIRST)
    else:
        yield from first.steps(LONGEST, least=ITERATIONS, patience=LONGEST)
    again = _Trial(problem, recipe, network)
    if first.spent < 2.0 * SECONDS:
        yield from again.steps(0.0)
    elif first.cold:
        yield from again.steps(0.0, max(first.cold) + 1)
    iterations = first.total if short is method else method.iterations  # type: ignore[attr-defined]
    yield _cost(first, again, iterations)


def _nothing(x: Any, sigma: Any) -> Any:
    return x


def _cost(first: _Trial, again: _Trial, iterations: int) -> Cost:
    """The time of set-up and first iteration from the second trial, as far as that came; that of the others, from the
    first one."""
    setup = sum((again.seconds + first.seconds[len(again.seconds) :])[: first.ends[0] + 1])
    if iterations == 1:
        per_iteration, setup = setup, 0.0
    elif len(first.ends) > 1:
        per_iteration = sum(first.seconds[first.ends[0] + 1 : first.ends[-1] + 1]) / (len(first.ends) - 1)
        setup = max(0.0, setup - per_iteration)
    else:
        per_iteration, setup = setup, 0.0
    found = again.result or first.result
    assert found is not None
    each = [sum(first.seconds[a + 1 : b + 1]) for a, b in pairwise(first.ends)] if iterations > 1 else []
    span = (min(each), max(each)) if len(each) > 1 else (None, None)
    return Cost(setup, per_iteration, iterations, found.peak_bytes, *span)


@dataclass
class _Trial:
    """A run, stopped after a few iterations, and what its steps took."""

    problem: Problem
    recipe: Recipe
    network: Any
    seconds: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """The steps that ended an iteration."""
    cold: list[int] = field(default_factory=list)
    """The steps in which something was made that stays: tables, numbers of the operator, imported modules."""
    total: int = 1
    done: int = 0
    result: Result | None = None

    @property
    def spent(self) -> float:
        """Seconds of what will be there in every run."""
        return self._spent_from(0)

    def _spent_from(self, step: int) -> float:
        return sum(s for i, s in enumerate(self.seconds) if i >= step and i not in self.cold)

    def steps(
        self, budget: float, until: int | None = None, least: int = 2, patience: float = PATIENCE
    ) -> Iterator[None]:
        """Run until ``least`` iterations and ``budget`` seconds, ``patience`` seconds after one, or step ``until``."""
        control = Control()
        mark = told = time.perf_counter()
        known = self._known()
        for event in run(self.recipe, self.problem, network=self.network, control=control):
            now, before, known = time.perf_counter(), known, self._known()
            if isinstance(event, Failed):
                raise event.error if isinstance(event.error, InputError) else RuntimeError(event.message)
            if isinstance(event, Done):
                self.result = event.result
            if isinstance(event, Progress):
                self.seconds.append(now - mark)
                if known != before:
                    self.cold.append(len(self.seconds) - 1)
                if event.iterate is not None:
                    self.ends.append(len(self.seconds) - 1)
                    self.total, self.done = event.iterate.total, event.iterate.k
                if self._is_enough(budget, least, patience):
                    control.stop()
                elif until is not None and len(self.seconds) >= until:
                    control.cancel()
            if now - told > GIVE_WAY and not isinstance(event, Started):
                yield None
                told = time.perf_counter()
            mark = time.perf_counter()

    def _is_enough(self, budget: float, least: int, patience: float) -> bool:
        if len(self.ends) >= least:
            return self.spent >= min(budget, patience)
        return len(self.ends) > 0 and self._spent_from(self.ends[0] + 1) >= patience

    def _known(self) -> int:
        return cached(self.problem.A) + len(sys.modules)

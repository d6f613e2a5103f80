"""A sweep of the workbench: it runs beside the queue, step by step, and tells views what there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from psygnal import Signal

from napari_mlpatch.batch.sweep import Candidate, Cell, Ended, Step, Sweep, Swept, planned, sweep
from napari_mlpatch.batch.values import Axis
from napari_mlpatch.core.declare import Parameter
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.run import Control

from .jobs import Latest, loaded
from .stepwise import stepwise

TELL_SECONDS = 0.1


class Sweeping:
    """``cells`` in the order of the plan; ``made`` once all are done, or it was cancelled. Knows no widget."""

    changed = Signal()
    """There is another cell, or it has ended."""

    def __init__(self, quick: Latest):
        self._quick = quick
        self._control = Control()
        self.cells: list[Cell] = []
        self.axes: tuple[Axis, ...] = ()
        self.made: Sweep | None = None
        self.running = False
        self.done = 0
        self.message = ""

    def start(
        self, problem: Problem, candidates: Sequence[Candidate], axes: Sequence[Axis], region: str | None = None
    ) -> None:
        """Begin another one; what ran before is cancelled. Raises InputError for a plan that makes no sense."""
        plan = planned(candidates, axes)
        self._control.cancel()
        control = self._control = Control()
        self.cells, self.axes, self.made = [cell for _, cell in plan], tuple(axes), None
        self.running, self.done, self.message = True, 0, ""

        def steps() -> Iterator[Any]:
            opened = [Candidate(one.method, loaded(one.weights)) for one in candidates]
            return seldom(sweep(problem, opened, axes, region=region, control=control))

        def each(event: Any) -> None:
            if isinstance(event, Ended):
                self.cells[event.index], self.done = event.cell, event.index + 1
            elif isinstance(event, Swept):
                self.made, self.running = event.sweep, False
            self.changed.emit()

        def failed(error: Exception) -> None:
            self.running, self.message = False, str(error)
            self.changed.emit()

        stepwise(self._quick, "sweep", steps, each, lambda: None, failed)
        self.changed.emit()

    def cancel(self) -> None:
        """End after the present step, with what there is."""
        self._control.cancel()


def seldom(events: Iterator[Any]) -> Iterator[Any]:
    """All events, but of those that only say that a run goes on no more than ten a second."""
    told = 0.0
    for event in events:
        if type(event).__name__ != Step.__name__ or time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield event


def suggested(parameter: Parameter, value: Any) -> str:
    """Values to begin with, around the present one: a range in equal ratios or steps, or all choices."""
    if parameter.choices:
        return ",".join(map(str, parameter.choices))
    if parameter.kind == "bool":
        return "true,false"
    if parameter.kind == "int":
        middle = value if isinstance(value, int) and value > 0 else 20
        return f"{max(1, middle // 4)}:{2 * middle}:log5"
    middle = value if isinstance(value, int | float) and value > 0 else 1.0
    high = 10.0 * middle if parameter.maximum is None else min(10.0 * middle, parameter.maximum)
    return f"{middle / 10:.3g}:{high:.3g}:log7"


def varied(parameters: Sequence[Parameter]) -> list[Parameter]:
    """The parameters that can be varied."""
    return [p for p in parameters if p.kind in ("float", "int", "bool", "choice")]


def check(act: Callable[[], None], tell: Callable[[str], None]) -> None:
    """Do it, or tell in words why not."""
    try:
        act()
    except InputError as error:
        tell(str(error))

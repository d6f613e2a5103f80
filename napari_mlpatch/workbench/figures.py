"""Figures of results beside those that come with them: in a region of interest, and those that take more runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_mlpatch.core.events import Result
from napari_mlpatch.core.frc import RingCorrelation
from napari_mlpatch.core.metrics import in_region
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.without_truth import Computing, judging, ring_correlating, why_not

from .entry import Entry
from .jobs import loaded
from .stepwise import stepwise, stop

if TYPE_CHECKING:
    from .workbench import Workbench


class Figures:
    """Computes them off the GUI thread. Those in the region stand in ``Entry.region``, others among the metrics."""

    changed = Signal()
    """An entry has new figures, or there is another region."""
    judged = Signal()
    """What takes more runs goes on, or has ended."""

    def __init__(self, workbench: Workbench):
        self.workbench = workbench
        self.region: np.ndarray | None = None
        """Bool mask ``[rows, columns]``; None: no region."""
        self.background: np.ndarray | None = None
        """Of the CNR; None: all the rest."""
        self.busy = ""
        """What is computed by more runs, in words; empty: nothing."""
        self.left_out: dict[str, str] = {}
        """Figures that did not apply when they were asked for, and why."""
        self._asked: dict[int, tuple[Any, Any, Any]] = {}
        workbench.entries_changed.connect(self._update)
        workbench.scene_changed.connect(self._update)

    # ---- in a region ----------------------------------------------------------------------------------------

    def set_region(self, region: np.ndarray | None, background: np.ndarray | None = None) -> None:
        """Compute figures in another region, of all results of the present problem."""
        self.region, self.background = region, background
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        present = self.workbench.present
        for entry in self.workbench.entries:
            fits = self.region is not None and self.region.shape == tuple(entry.scene.problem.A.domain_shape)
            state = (entry.result, self.region, self.background)
            if entry not in present or not fits or entry.result is None:
                entry.region = {}
                self._asked.pop(entry.id, None)
            elif not _same(self._asked.get(entry.id), state):
                self._asked[entry.id] = state
                self._compute(entry)

    def _compute(self, entry: Entry) -> None:
        result, region, background = self._asked[entry.id]
        problem = entry.scene.problem

        def come(found: dict[str, float]) -> None:
            if _same(self._asked.get(entry.id), (result, region, background)):
                entry.region = found
                self.changed.emit()

        self.workbench.quick.call(
            f"region {entry.id}",
            lambda: in_region(result.x, problem, region, background=background),
            come,
            lambda error: self.workbench.failed.emit(str(error)),
        )

    # ---- what takes more runs -------------------------------------------------------------------------------

    def judge(self, entries: list[Entry]) -> None:
        """Add SURE, GCV and the resolution by ring correlation to the metrics of results, as far as they apply."""
        self.left_out = {}

        def compute(result: Result, problem: Problem, network: Any) -> Computing[Any]:
            found = yield from judging(result.x, result.recipe, problem, network)
            return found, why_not(result.recipe, problem)

        def keep(entry: Entry, found: Any) -> None:
            assert entry.result is not None
            entry.result.metrics.update(found[0])
            self.left_out |= found[1]

        self._each("judging", entries, compute, keep)

    def correlate(self, entries: list[Entry], then: Callable[[Entry, RingCorrelation | str], None]) -> None:
        """Fourier ring correlation of two halves of the data, for each result; or why there is none, in words."""

        def compute(result: Result, problem: Problem, network: Any) -> Computing[Any]:
            why = why_not(result.recipe, problem).get("frc", "")
            return why or (yield from ring_correlating(result.recipe, problem, network))

        def keep(entry: Entry, found: RingCorrelation | str) -> None:
            if isinstance(found, RingCorrelation) and entry.result is not None:
                entry.result.metrics["frc"] = found.resolution()
            then(entry, found)

        self._each("ring correlation", entries, compute, keep)

    def end(self) -> None:
        """Stop what takes more runs."""
        if self.busy:
            stop(self.workbench.quick, "figures")
            self._finish()

    def _each(
        self,
        words: str,
        entries: list[Entry],
        compute: Callable[[Result, Problem, Any], Computing[Any]],
        keep: Callable[[Entry, Any], None],
    ) -> None:
        jobs = [(e, e.result, e.scene.problem) for e in entries if e.result is not None]
        self.end()
        if not jobs:
            return

        def steps() -> Iterator[Any]:
            for number, (entry, result, problem) in enumerate(jobs, 1):
                yield f"{words}: {entry.named.short} ({number} of {len(jobs)})"
                bare = dataclasses.replace(problem, truth=None)
                found = yield from compute(result, bare, loaded(entry.job.network))
                yield entry, result, found

        def each(step: Any) -> None:
            if isinstance(step, str):
                self.busy = step
                self.judged.emit()
            elif step is not None:
                entry, result, found = step
                if entry.result is result:
                    keep(entry, found)
                    self.changed.emit()

        def failed(error: Exception) -> None:
            self._finish()
            self.workbench.failed.emit(str(error))

        self.busy = words
        self.judged.emit()
        stepwise(self.workbench.quick, "figures", steps, each, self._finish, failed)

    def _finish(self) -> None:
        self.busy = ""
        self.judged.emit()


def _same(a: tuple[Any, ...] | None, b: tuple[Any, ...]) -> bool:
    return a is not None and all(x is y for x, y in zip(a, b, strict=True))

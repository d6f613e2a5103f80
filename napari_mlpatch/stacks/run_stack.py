"""All slices of a stack: the one executor, which the window, the command line and notebooks loop over."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from napari_mlpatch.core.arguments import instance
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of

from . import failures
from .blocks import Block
from .control import StackControl
from .events import BlockDone, BlockFailed, Copying, Event, Finished, Progress, Started
from .executors import Executor
from .executors.embedded import Embedded
from .job import Report
from .prepare import Prepared, prepared
from .sinks import sink_for
from .stack_recipe import StackRecipe

PAUSES = (1.0, 10.0)
"""Seconds before blocks are repeated that failed for what may pass: a disk, a network, memory, a worker that died."""
TICK = 0.2


def run_stack(
    recipe: StackRecipe,
    source: Any,
    out: Any,
    *,
    control: StackControl | None = None,
    executor: Executor | None = None,
    weights: str | None = None,
    memory: int | None = None,
    force: bool = False,
    incomplete: bool = False,
) -> Generator[Event, None, None]:
    """Reconstruct all slices of the stack at ``source`` into the volume ``out``: ``Started``, any number of
    ``Progress``, ``BlockDone`` and ``BlockFailed``, then ``Finished``. Before ``Started`` may be ``Copying``.

    Where the same run has begun before, it goes on with what is missing, and gives the same numbers to the bit.
    ``executor``: threads of this program, or a ``Cluster``. ``weights``: a file to take instead of what the recipe
    names. ``memory`` [bytes] is what all workers of a machine may use together. ``force`` begins anew.
    ``incomplete`` goes on though numbers are missing among the names of a folder's files.
    Raises InputError for bad input, before anything is written, and where another run writes ``out`` now; an output of
    another run is never touched without ``force``, and one of another program never.
    """
    instance(recipe, StackRecipe, "The recipe of a stack")
    control = StackControl() if control is None else control
    instance(control, StackControl, "control")
    if executor is not None and not hasattr(executor, "reports"):
        raise InputError(f"An executor is Embedded or a Cluster, got {executor!r:.60}.")
    who = executor or Embedded()
    options: dict[str, Any] = {"weights": weights, "memory": memory, "force": force, "incomplete": incomplete}
    options["here"] = executor is None
    ready = yield from _until_wish(prepared(recipe, source, out, who, **options), control)
    if isinstance(ready, Copying):
        yield Finished(sink_for(out).path, ready.slices, ready.done, cancelled=True)
        return
    try:
        yield Started(
            ready.recipe,
            ready.sink.path,
            ready.volume.shape,
            len(ready.blocks),
            ready.volume.shape[0],
            ready.done_slices,
            ready.bytes,
            who.workers,
            ready.tools.source.notes,
        )
        yield from _run(ready, executor or Embedded(ready.tools), control)
    finally:
        ready.close()


def _until_wish(
    preparing: Generator[Copying, None, Prepared], control: StackControl
) -> Generator[Copying, None, Prepared | Copying]:
    """How far it was where the run was ended before it had begun."""
    with closing(preparing):
        while True:
            try:
                part = next(preparing)
            except StopIteration as end:
                return end.value
            yield part
            while control.paused and control.wish is None:
                time.sleep(TICK)
                yield part
            if control.wish is not None:
                return part


def _run(ready: Prepared, executor: Executor, control: StackControl) -> Iterator[Event]:
    failed: dict[Block, list[BlockFailed]] = {}
    slices, done, made, stopped = ready.volume.shape[0], ready.done_slices, 0, ""
    begin, identity = time.perf_counter(), ready.recipe.identity(ready.job.fingerprint)
    held = {block: len(ready.markers.there(block, identity)) for block in ready.missing}

    def progress(finishing: float | None = None) -> Progress:
        seconds = time.perf_counter() - begin
        missed = sum(len(one.slices) for several in failed.values() for one in several)
        pace = made / seconds if made else None
        eta = None if pace is None else (slices - done - missed) / pace
        return Progress(done, missed, slices, seconds, pace, eta, executor.within, control.paused, finishing)

    todo: Sequence[Block] = ready.missing
    for pause in (*PAUSES, None):
        again: list[Block] = []
        for report in executor.reports(ready.job, todo, control):
            if report is None:
                yield progress()
                continue
            if report.left:
                continue
            repeats = report.passing and not report.ends and pause is not None
            there = ready.markers.there(report.block, identity) if report.message else frozenset()
            noted = {(one.slices, one.message) for one in failed.get(report.block, ())}
            failed[report.block] = _failures(report, repeats, there)
            for one in failed[report.block]:
                if (one.slices, one.message) not in noted:
                    failures.note(ready.markers.folder, identity, one.slices, one.message)
            yield from failed[report.block]
            if repeats:
                again.append(report.block)
            if report.ends:
                stopped = stopped or report.message
                control.stop()
            new = max(report.holds - held[report.block], 0)
            if new:
                held[report.block] = report.holds
                done, made = done + new, made + new
                yield BlockDone(report.block, report.seconds, tuple(k for k, _ in report.missed))
                yield progress()
        if not again or pause is None or control.wish is not None:
            break
        todo, until = sorted(again), time.perf_counter() + pause
        while time.perf_counter() < until and control.wish is None:
            time.sleep(min(pause, TICK))
            yield progress()
    finished = True
    if done == slices:
        try:
            for part in ready.finishing():
                yield progress(part)
                while control.paused and control.wish is None:
                    time.sleep(TICK)
                    yield progress(part)
                if part < 1.0 and control.wish == "cancel":
                    finished = False
                    break
        except OSError as error:
            stopped = f"{error.filename or ready.sink.path}: {reason_of(error)}"
    yield Finished(
        ready.sink.path,
        slices,
        done,
        tuple(one for several in failed.values() for one in several),
        cancelled=control.wish is not None and not stopped and (done < slices or not finished),
        stopped=stopped,
        seconds=time.perf_counter() - begin,
        notes=ready.tools.source.notes,
        finished=finished,
    )


def _failures(report: Report, again: bool, there: frozenset[int]) -> list[BlockFailed]:
    """One for each reason; slices that are ``there`` from before stay."""
    if report.message:
        lost = tuple(k for k in range(report.block.start, report.block.stop) if k not in there)
        return [BlockFailed(report.block, report.message, lost, again)]
    reasons: dict[str, list[int]] = {}
    for k, message in report.missed:
        reasons.setdefault(message, []).append(k)
    return [BlockFailed(report.block, message, tuple(slices), again) for message, slices in reasons.items()]


def strip(
    recipe: StackRecipe, source: Any, indices: list[int], weights: str | None = None
) -> Iterator[tuple[int, Any]]:
    """Pictures float32 ``[rows, columns]`` of a few slices, each as the run of all will make it, with its number.

    Raises InputError.
    """
    from .job import Job, Tools

    tools = Tools(Job(recipe.to_json(), str(source), weights=weights))
    wrong = [index for index in indices if not 0 <= index < tools.source.count]
    if wrong:
        raise InputError(f"Slice {wrong[0]} is asked for, of a stack that has 0 to {tools.source.count - 1}.")
    for index in indices:
        x = tools.compute(tools.load(index, index + 1), index)
        assert x is not None
        yield index, x[0]

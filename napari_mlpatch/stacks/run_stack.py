"""All slices of a stack: the one executor, which the window, the command line and notebooks loop over."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of

from .control import StackControl
from .events import BlockDone, BlockFailed, Event, Finished, Progress, Started
from .executors import Executor
from .executors.embedded import Embedded
from .prepare import Prepared, prepared
from .stack_recipe import StackRecipe


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
) -> Generator[Event, None, None]:
    """Reconstruct all slices of the stack at ``source`` into the volume ``out``: ``Started``, any number of
    ``Progress``, ``BlockDone`` and ``BlockFailed``, then ``Finished``.

    Where the same run has begun before, it goes on with what is missing, and gives the same numbers to the bit.
    ``executor``: threads of this program, or a ``Cluster``. ``weights``: a file to take instead of what the recipe
    names. ``memory`` [bytes] is what all workers of a machine may use together. ``force`` begins anew.
    Raises InputError for bad input, before anything is written, and where another run writes ``out`` now; an output of
    another run is never touched without ``force``, and one of another program never.
    """
    control = control or StackControl()
    workers = 1 if executor is None else executor.workers
    ready = prepared(recipe, source, out, workers=workers, weights=weights, memory=memory, force=force)
    try:
        yield Started(
            ready.recipe,
            ready.sink.path,
            ready.volume.shape,
            len(ready.blocks),
            ready.volume.shape[0],
            ready.done_slices,
            ready.bytes,
            workers,
            ready.tools.source.notes,
        )
        yield from _run(ready, executor or Embedded(ready.tools), control)
    finally:
        ready.close()


def _run(ready: Prepared, executor: Executor, control: StackControl) -> Iterator[Event]:
    failed: list[BlockFailed] = []
    slices, done, made, stopped = ready.volume.shape[0], ready.done_slices, 0, ""
    begin = time.perf_counter()

    def progress() -> Progress:
        seconds = time.perf_counter() - begin
        missed = sum(len(one.block) for one in failed)
        pace = made / seconds if made else None
        eta = None if pace is None else (slices - done - missed) / pace
        return Progress(done, missed, slices, seconds, pace, eta, executor.within, control.paused)

    for report in executor.reports(ready.job, ready.missing, control):
        if report is None:
            yield progress()
        elif report.left:
            continue
        elif report.message:
            failed.append(BlockFailed(report.block, report.message))
            yield failed[-1]
            if report.ends:
                stopped = stopped or report.message
                control.stop()
        else:
            done, made = done + len(report.block), made + len(report.block)
            yield BlockDone(report.block, report.seconds)
            yield progress()
    if done == slices:
        try:
            ready.finish()
        except OSError as error:
            stopped = f"{error.filename or ready.sink.path}: {reason_of(error)}"
    yield Finished(
        ready.sink.path,
        slices,
        done,
        tuple(failed),
        cancelled=control.wish is not None and not stopped and done < slices,
        stopped=stopped,
        seconds=time.perf_counter() - begin,
        notes=ready.tools.source.notes,
    )


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

"""One block from the source to the sink: the same function in a thread of this program and on a cluster."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress

import numpy as np

from napari_mlpatch.core.budget import is_out_of_memory
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import is_full, reason_of
from napari_mlpatch.core.heap import as_usual, give_back, keep_freed
from napari_mlpatch.core.meter import resident
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.phrases import phrase

from . import salvage
from .blocks import Block
from .job import Job, Report, Tools
from .markers import Markers, TakenError
from .passing import is_passing
from .sinks import sink_for
from .sinks.sink import Sink
from .source import ChangedError
from .stages import Lanes, Stage, Turn, Turns
from .warm import Warm

SMALLER = phrase("smaller blocks (--block)", "smaller blocks")
LOOK = 0.5
"""Seconds after which a worker looks again whether the run is to end."""


class Worker:
    """Tools, sink and markers of a job in this process."""

    def __init__(self, job: Job, tools: Tools | None = None):
        self.tools = tools or Tools(job)
        self.sink: Sink = sink_for(job.out)
        self.markers = Markers(self.sink.path)
        self.first, self.last = self.tools.stack.range(self.tools.source.count)
        self.identity = job.stack_recipe.identity(job.fingerprint)
        self._warm = None if self.tools.is_warm else Warm(self.tools)
        self.reading, self.lanes, self.writing = Stage("read"), Lanes(job.lanes, job.threads), Stage("write")
        self.turns = Turns()

    def do(
        self, block: Block, told: Callable[[Iterate | None], bool] = lambda iterate: True, turn: Turn | None = None
    ) -> Report:
        """Read, compute, write and mark a block. Never raises: what went wrong is in the report. ``turn``: when it is
        to be read; by default when it has come.

        A block waits with its data for a lane to be free, and with its pictures for the one before to be written: so
        reading, computing and writing overlap, and no more blocks are in memory than lanes and two.
        """
        turn = turn or self.turns.take()
        try:
            return self._do(block, told, turn)
        finally:
            turn.skip()

    def _do(self, block: Block, told: Callable[[Iterate | None], bool], turn: Turn) -> Report:
        tools, clock, missed = self.tools, _Clock(), salvage.Missed()
        try:
            there = self.markers.there(block, self.identity)
            if len(there) == len(block):  # of a worker that died before its report had arrived
                return Report(block, holds=len(block))
            with ExitStack() as taken:
                with turn:
                    loaded = self.reading.do(salvage.load, tools, block, missed)
                    if self._warm is not None:
                        self._warm.enough()
                    clock.lap()
                    lane = taken.enter_context(self.lanes.one())
                clock.start()
                x = None
                if loaded is not None and len(there | missed.keys()) < len(block):
                    x = lane.do(salvage.compute, tools, block, loaded, missed, told)
                    if x is None:
                        return Report(block, left=True)
                del loaded
                if resident() > tools.resident + tools.job.bytes:  # of pieces that did not fit into each other
                    give_back()
                clock.lap()
                self.writing.lock.acquire()
            try:
                clock.start()
                self.markers.check(self.identity)
                new = _runs(block, there | missed.keys()) if there else [(block.start, block.stop)]
                if x is None:
                    x = np.full((len(block), *tools.picture_shape()), np.nan, np.float32)
                for start, stop in new:
                    self.writing.do(self.sink.write, start - self.first, x[start - block.start : stop - block.start])
                lost = {k: one for k, one in missed.items() if k not in there and not one.gap}
                self.markers.mark(block, self.identity, lost)
                if not lost:
                    with suppress(Exception):  # the block is done; the end of the run makes it, or tells why not
                        self.writing.do(self._settle, block, None if there else x)
                clock.lap()
            finally:
                self.writing.lock.release()
            passing = any(one.passing for one in lost.values())
            told_of = tuple((k, lost[k].message) for k in sorted(lost))
            return Report(block, clock.laps(), holds=len(block) - len(lost), missed=told_of, passing=passing)
        except (ChangedError, TakenError) as error:
            return Report(block, message=str(error), ends=True)
        except InputError as error:
            return Report(block, message=str(error), passing=is_passing(error))
        except OSError as error:
            where, full = error.filename or self.sink.path, is_full(error)
            return Report(block, message=f"{where}: {reason_of(error)}", ends=full, passing=is_passing(error))
        except Exception as error:  # a method of another package raises anything
            if is_out_of_memory(error):
                size = len(block)
                why = f"out of memory with {size} slices at a time: start anew with {SMALLER}"
                return Report(block, message=why, passing=True)
            return Report(block, message=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Wait for what goes on beside the blocks."""
        if self._warm is not None:
            self._warm.enough()
            self._warm.join()

    def _settle(self, block: Block, x: np.ndarray | None) -> None:
        self.markers.check(self.identity)
        size = self.tools.stack.block or len(block)

        def whole(index: int) -> bool:
            start = self.first + index * size
            one = Block(index, start, min(start + size, self.last))
            return len(self.markers.there(one, self.identity)) == len(one)

        self.sink.settle(block.start - self.first, block.stop - self.first, x, whole)


def _runs(block: Block, left_out: Collection[int]) -> list[tuple[int, int]]:
    """First slice and the one after the last, of what follows on each other in a block without some."""
    wanted = [k for k in range(block.start, block.stop) if k not in left_out]
    first = [k for k in wanted if k - 1 not in wanted]
    last = [k + 1 for k in wanted if k + 1 not in wanted]
    return list(zip(first, last, strict=True))


class _Clock:
    def __init__(self) -> None:
        self._laps: list[float] = []
        self.start()

    def start(self) -> None:
        self._since = time.perf_counter()

    def lap(self) -> None:
        self._laps.append(time.perf_counter() - self._since)

    def laps(self) -> tuple[float, float, float]:
        read, computed, wrote = self._laps
        return read, computed, wrote


_opened: dict[Job, Worker] = {}
_opening = threading.Lock()
WORKER = "worker"


def let_go() -> None:
    """A cluster's worker goes back to what it was: for other programs that use it, too."""
    with _opening:
        _opened.clear()
        as_usual(WORKER)


def worker_of(job: Job) -> Worker:
    """The worker of a job in this process, opened once; that of another job is forgotten, with its tables."""
    with _opening:
        found = _opened.get(job)
        if found is None:
            _opened.clear()
            keep_freed(WORKER)
            found = _opened[job] = Worker(job)
        return found


def do_block(job: Job, block: Block) -> Report:
    """What a cluster runs for each block."""
    try:
        worker = worker_of(job)
    except InputError as error:
        return Report(block, message=f"{error} (on {socket.gethostname()})", ends=True)
    if worker.markers.wished() is not None:
        return Report(block, left=True)
    return worker.do(block, _until_cancelled(worker.markers))


def _until_cancelled(markers: Markers) -> Callable[[Iterate | None], bool]:
    """Looks now and then whether the run is to be cancelled."""
    looked = time.monotonic()

    def told(iterate: Iterate | None) -> bool:
        nonlocal looked
        if time.monotonic() - looked < LOOK:
            return True
        looked = time.monotonic()
        return markers.wished() != "cancel"

    return told

"""In this program: one block is read, several are computed and one is written at the same time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from napari_mlpatch.core.heap import as_usual, keep_freed
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.torch_later import torch

from ..blocks import Block
from ..control import StackControl
from ..job import Job, Report, Tools
from ..stages import Turn
from ..work import Worker

OTHERS = 2
"""Threads beside those of the lanes: one block waits with its data, one is written."""
TICK = 0.2
"""Seconds between two signs of life."""


class Embedded:
    """Threads of this program, which share the cores that PyTorch may use."""

    workers = 1

    def __init__(self, tools: Tools | None = None):
        self._tools = tools
        self._parts: dict[Block, float] = {}
        self.lanes = self.cores = torch.get_num_threads()

    @property
    def within(self) -> float:
        """Of the blocks that are computed now, how far the foremost is."""
        return max(tuple(self._parts.values()), default=0.0)

    def reports(self, job: Job, blocks: Sequence[Block], control: StackControl) -> Iterator[Report | None]:
        keep_freed(self)  # before the threads of the lanes begin
        try:
            yield from self._reports(job, blocks, control)
        finally:
            as_usual(self)

    def _reports(self, job: Job, blocks: Sequence[Block], control: StackControl) -> Iterator[Report | None]:
        worker = Worker(job, self._tools)

        def told(block: Block, iterate: Iterate | None) -> bool:
            while control.paused and control.wish != "cancel":
                time.sleep(TICK / 4)
            if iterate is not None:
                self._parts[block] = iterate.k / max(iterate.total, 1)
            return control.wish != "cancel"

        def do(block: Block, turn: Turn) -> Report:
            if control.wish is not None:
                turn.skip()
                return Report(block, left=True)
            try:
                return worker.do(block, partial(told, block), turn)
            finally:
                self._parts.pop(block, None)

        waiting, running = deque(blocks), set[Future[Report]]()
        threads = job.lanes + OTHERS
        pool = ThreadPoolExecutor(threads, "mlpatch-stack")
        try:
            while running or (waiting and control.wish is None):
                while waiting and len(running) < threads and not control.paused and control.wish is None:
                    running.add(pool.submit(do, waiting.popleft(), worker.turns.take()))
                done, running = wait(running, TICK, FIRST_COMPLETED)
                if not running and not done:
                    time.sleep(TICK)  # paused
                yield from (future.result() for future in done)
                if not done:
                    yield None
        finally:  # also where nobody listens any more
            if running:
                control.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            worker.close()

"""In this program: one block is read, one computed and one written at the same time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from napari_mlpatch.core.method import Iterate

from ..blocks import Block
from ..control import StackControl
from ..job import Job, Report, Tools
from ..work import Worker

STAGES = 3
TICK = 0.2
"""Seconds between two signs of life."""


class Embedded:
    """Threads of this program; PyTorch uses all cores for the one block that is computed."""

    workers = 1

    def __init__(self, tools: Tools | None = None):
        self._tools = tools
        self.within = 0.0

    def reports(self, job: Job, blocks: Sequence[Block], control: StackControl) -> Iterator[Report | None]:
        worker = Worker(job, self._tools)

        def told(iterate: Iterate | None) -> bool:
            while control.paused and control.wish != "cancel":
                time.sleep(TICK / 4)
            if iterate is not None:
                self.within = iterate.k / max(iterate.total, 1)
            return control.wish != "cancel"

        def do(block: Block) -> Report:
            if control.wish is not None:
                return Report(block, left=True)
            return worker.do(block, told)

        waiting, running = deque(blocks), set[Future[Report]]()
        pool = ThreadPoolExecutor(STAGES, "mlpatch-stack")
        try:
            while running or (waiting and control.wish is None):
                while waiting and len(running) < STAGES and not control.paused and control.wish is None:
                    running.add(pool.submit(do, waiting.popleft()))
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

"""Independent runs on a Dask cluster, in place of one after the other in this program."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from napari_mlpatch.core.run import Control

TICK = 0.3
"""Seconds between two looks at ``control``."""
AHEAD = 1
"""Runs that wait beside one for each worker, so that none waits for the next."""
_computing = threading.Lock()


class Pool:
    """The workers of a ``dask.distributed.Client``. Each computes one run at a time, whatever threads it has."""

    def __init__(self, client: Any):
        self.client = client

    def results(
        self, do: Callable[[Any, Any], Any], shared: Any, items: Sequence[Any], control: Control
    ) -> Iterator[tuple[int, Any]]:
        """``do(shared, item)`` for each item, as they come, with the item's number; the exception where one failed.

        ``do`` is a function of a module, and all travels as pickles: ``shared`` once to each worker, where operators
        keep their tables in it. After a wish of ``control`` none is begun any more: those that workers have end
        ("stop"), or are left alone ("cancel").
        """
        from distributed import wait

        held = self.client.submit(_same, shared, pure=False)  # unlike scattered data it outlives its worker
        waiting, running = deque(enumerate(items)), dict[Any, int]()
        try:
            while running or (waiting and control.wish is None):
                if control.wish == "cancel":
                    return
                while waiting and control.wish is None and len(running) < len(self.client.nthreads()) + AHEAD:
                    number, item = waiting.popleft()
                    running[self.client.submit(_alone, do, held, item, pure=False)] = number
                with self.client.as_current(), suppress(TimeoutError):
                    wait(list(running), timeout=TICK, return_when="FIRST_COMPLETED")
                for future in [future for future in running if future.done()]:
                    number = running.pop(future)
                    yield number, future.exception() if future.status == "error" else future.result()
        finally:
            self.client.cancel([held, *running])


def _same(shared: Any) -> Any:
    return shared


def _alone(do: Callable[[Any, Any], Any], shared: Any, item: Any) -> Any:
    with _computing:
        return do(shared, item)


def told(error: BaseException) -> str:
    """Why a run failed that gave nothing back, in words."""
    if type(error).__name__ == "KilledWorker":
        return "its worker ended several times while it was computed (out of memory?)"
    return f"{type(error).__name__}: {error}"[:500]

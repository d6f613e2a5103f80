"""Who works on the blocks of a process: one thread that reads, lanes that compute side by side, one that writes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from napari_mlpatch.torch_later import torch

T = TypeVar("T")


class Stage:
    """Work of one kind, one piece at a time, always in the same thread: memory that it frees is what it uses next.

    (The C library keeps freed memory for the thread that had it.) ``lock`` is held from before the work until the next
    stage has taken over.
    """

    def __init__(self, name: str):
        self.lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, f"mlpatch-{name}")

    def do(self, work: Callable[..., T], *args: Any) -> T:
        return self._pool.submit(work, *args).result()


class Turns:
    """A lock for those who took a number, one after the other in the order of these: a file is read from its beginning
    to its end."""

    def __init__(self) -> None:
        self._changed, self._taken, self._now, self._passed = threading.Condition(), 0, 0, set[int]()

    def take(self) -> Turn:
        with self._changed:
            self._taken += 1
            return Turn(self, self._taken - 1)

    def wait(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._now == number)

    def pass_on(self, number: int) -> None:
        with self._changed:
            self._passed.add(number)
            while self._now in self._passed:
                self._passed.remove(self._now)
                self._now += 1
            self._changed.notify_all()


class Turn:
    """A number of ``Turns``: in a ``with`` block it is waited for, and then passed on; ``skip`` does without it."""

    def __init__(self, turns: Turns, number: int):
        self._turns, self._number, self._over = turns, number, False

    def __enter__(self) -> Turn:
        self._turns.wait(self._number)
        return self

    def __exit__(self, *error: object) -> None:
        self.skip()

    def skip(self) -> None:
        if not self._over:
            self._over = True
            self._turns.pass_on(self._number)


class Lanes:
    """``count`` stages that compute different blocks at the same time, each with so many ``threads`` of PyTorch (0: its
    share).

    Two slices on a core each take less time than two that have both cores one after the other: no thread waits for the
    others at the end of each small step.
    """

    def __init__(self, count: int, threads: int = 0):
        self._free: queue.SimpleQueue[Stage] = queue.SimpleQueue()
        total = torch.get_num_threads()
        for number in range(count):
            lane = Stage(f"compute-{number}")
            lane.do(_take_threads, threads or max(1, total // count))
            torch.set_num_threads(total)  # of threads that are yet to begin; a lane keeps its own number
            self._free.put(lane)

    @contextmanager
    def one(self) -> Iterator[Stage]:
        """A lane that is free, waited for; it is held until the next stage has taken over."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)


def _take_threads(count: int) -> None:
    """For this thread; PyTorch sets a thread's number to that of all when it is asked first, so it is asked before."""
    torch.get_num_threads()
    torch.set_num_threads(count)

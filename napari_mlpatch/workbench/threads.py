"""Threads beside the GUI thread: they are told to end, and waited for, when Python ends."""

from __future__ import annotations

import atexit
import functools
import threading
import weakref
from collections.abc import Callable

from napari_mlpatch.torch_later import torch

EXIT_SECONDS = 30.0
_limit = 0
_running: weakref.WeakKeyDictionary[threading.Thread, Callable[[], None]] = weakref.WeakKeyDictionary()


def start(name: str, work: Callable[[], None], close: Callable[[], None]) -> threading.Thread:
    """Run ``work`` on a thread of its own; ``close`` asks it to end."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    _running[thread] = close
    thread.start()
    return thread


def limit(count: int) -> None:
    """Let computations use so many cores, from the next job on; 0: as many as fit the machine."""
    global _limit
    _limit = max(0, count)


def cores() -> int:
    """How many cores they use. As PyTorch has it at first, one is left to the window; it applies to all threads."""
    return _limit or _fitting()


@functools.cache
def _fitting() -> int:
    return max(1, torch.get_num_threads() - 1)


@atexit.register
def _wait() -> None:
    """A thread that is still in torch when Python ends aborts the process."""
    for close in list(_running.values()):
        close()
    for thread in list(_running):
        thread.join(EXIT_SECONDS)

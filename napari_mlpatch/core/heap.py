"""What the C library (glibc) does with memory that is freed; with another one nothing of it happens."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Hashable

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -3, -4, -8
"""Of mallopt(3)."""
LARGEST = 32 << 20
"""Bytes of the largest piece that glibc keeps of itself when it is freed, after a while."""
NEVER = -1
"""The end of the heap, however much of it is free, is not given back."""
_keepers: set[Hashable] = set()
_lock = threading.Lock()


def give_back() -> None:
    """Return freed memory to the system: else a job that reuses it would seem to need none."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def one_arena() -> None:
    """Threads that begin from now on share one arena, for good; best before any has begun.

    An arena of their own is in parts of 64 MiB: a larger piece in it is new pages each time, and other threads cannot
    use what is free in it.
    """
    _set({ARENA_MAX: 1})


def keep_freed(who: Hashable) -> None:
    """Keep whatever is freed for the next piece of its size, for all threads, until ``as_usual`` of the same ``who``.

    Else each piece above 32 MiB is new pages, and with MALLOC_TRIM_THRESHOLD_, which Dask sets for its workers, each
    above 128 KiB: for work that takes the same pieces again and again, a fifth of its time. And ``one_arena``.
    """
    with _lock:
        _keepers.add(who)
        _set({MMAP_MAX: 0, TRIM_THRESHOLD: NEVER})
        one_arena()


def as_usual(who: Hashable) -> None:
    """Large pieces go back to the system when they are freed, and what is free now, if nobody else keeps it.

    Large is above 32 MiB: M_MMAP_THRESHOLD is fixed there, and no longer follows the pieces that are freed. Smaller
    ones that are freed later may stay with the process, until more than 64 MiB are free at the end of the heap.
    """
    with _lock:
        _keepers.discard(who)
        if not _keepers:
            _set({MMAP_MAX: 65536, MMAP_THRESHOLD: LARGEST, TRIM_THRESHOLD: 2 * LARGEST})
            give_back()


def _set(values: dict[int, int]) -> None:
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in values.items():
            mallopt(name, value)

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
KEPT = (1 << 31) - 1
"""Bytes that are kept at the end of the heap: as many as can be said."""
_keepers: set[Hashable] = set()
_lock = threading.Lock()


def give_back() -> None:
    """Return freed memory to the system: else a job that reuses it would seem to need none."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_freed(who: Hashable) -> None:
    """Keep whatever is freed for the next piece of its size, for all threads, until ``as_usual`` of the same ``who``.

    Else each piece above 32 MiB is new pages, and with MALLOC_TRIM_THRESHOLD_, which Dask sets for its workers, each
    above 128 KiB: for work that takes the same pieces again and again, a fifth of its time. Threads that begin from
    then on share one arena, for good.
    """
    with _lock:
        _keepers.add(who)
        _set({MMAP_MAX: 0, TRIM_THRESHOLD: KEPT, ARENA_MAX: 1})


def as_usual(who: Hashable) -> None:
    """Large pieces go back to the system when they are freed, and what is free now, if nobody else keeps it."""
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

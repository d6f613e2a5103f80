"""What the C library (glibc) does with memory that is freed; with another one nothing of it happens."""

from __future__ import annotations

import contextlib
import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
LARGEST = 32 << 20
"""Bytes of a piece that is kept when it is freed: the most that glibc allows."""


def give_back() -> None:
    """Return freed memory to the system: else a job that reuses it would seem to need none."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_freed() -> None:
    """Keep freed pieces for the next of their size, as glibc does of itself after a while.

    Dask starts its workers with MALLOC_TRIM_THRESHOLD_, with which each piece of 128 KiB and more is new pages.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, LARGEST)
        library.mallopt(TRIM_THRESHOLD, 2 * LARGEST)

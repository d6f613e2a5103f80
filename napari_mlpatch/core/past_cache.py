"""Large new files are written past the system's cache, where it can do that."""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np

BLOCK = max(1 << 12, mmap.PAGESIZE)
"""Bytes whose multiples a disk takes straight from memory, at places in it that are multiples, too."""


class PastCache:
    """A new file, written from its beginning to its end in pieces of at most ``largest`` bytes.

    What nobody reads at once need not be copied into the system's cache: that takes as long as the disk does, a core
    meanwhile, and pushes out what others have there. Linux writes past it (O_DIRECT); other systems, and file systems
    that cannot do that, write as usual. Raises OSError.
    """

    def __init__(self, path: Path, largest: int):
        self._buffer, self._held = mmap.mmap(-1, largest + BLOCK), 0  # begins with a page
        self._file, self._straight = _opened(path)

    def __enter__(self) -> PastCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                self._write(self._held, last=True)
        finally:
            os.close(self._file)

    def append(self, values: np.ndarray) -> None:
        """The numbers of an array, as it is indexed, whatever its order in memory."""
        place = np.frombuffer(self._buffer, values.dtype, values.size, self._held).reshape(values.shape)
        place[...] = values
        self._held += values.nbytes
        self._write(self._held - self._held % BLOCK)

    def _write(self, count: int, last: bool = False) -> None:
        """The first so many bytes of what is held; what is left comes to the beginning."""
        if last:
            self._as_usual()
        with memoryview(self._buffer) as held:
            done = 0
            while done < count:
                try:
                    done += os.write(self._file, held[done:count])
                except OSError:
                    if not self._straight:
                        raise
                    self._as_usual()  # the file system has not said so when the file was opened
                if done % BLOCK and done < count:  # no room for more than a part: the rest is no whole block
                    self._as_usual()
            self._held -= count
            held[: self._held] = held[count : count + self._held]

    def _as_usual(self) -> None:
        if self._straight:
            import fcntl

            fcntl.fcntl(self._file, fcntl.F_SETFL, fcntl.fcntl(self._file, fcntl.F_GETFL) & ~os.O_DIRECT)
            self._straight = False


def _opened(path: Path) -> tuple[int, bool]:
    """A new file, and whether it is written past the cache."""
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if hasattr(os, "O_DIRECT"):
        with suppress(OSError):
            return os.open(path, how | os.O_DIRECT, 0o666), True
    return os.open(path, how, 0o666), False

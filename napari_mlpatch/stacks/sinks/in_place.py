"""Files whose numbers lie one after the other: blocks are written to their place, past the library of the format."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.files import replacing_file

from ..planes import Planes
from .sink import Sink, Volume


class InPlace(Sink):
    """The whole file is made first, with room on the disk for all of it; then several processes fill it.

    The library that made it is not asked again, so that it cannot break the file in the middle, or end the process
    where the disk is full.
    """

    grows = False

    @abstractmethod
    def make(self, temporary: Path, volume: Volume) -> None:
        """A file of this format with the volume's shape, its numbers not yet written."""

    @abstractmethod
    def layout(self) -> tuple[int, tuple[int, ...], np.dtype]:
        """Where the numbers begin [bytes], their shape and type."""

    def create(self, volume: Volume) -> None:
        with replacing_file(self.path) as temporary:
            self.make(temporary, volume)
            whole = type(self)(temporary)
            offset, _, _ = whole.layout()
            with temporary.open("rb+") as file:
                size = max(offset + volume.bytes, os.fstat(file.fileno()).st_size)
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.truncate(size)

    def levels(self, about: dict[str, Any]) -> tuple[Planes, ...]:
        offset, shape, kind = self.layout()  # once: the library is not asked again while others write
        rows, columns = shape[1:]
        count = rows * columns

        def read(index: int) -> np.ndarray:
            place = offset + index * count * kind.itemsize
            return np.fromfile(self.path, kind, count, offset=place).reshape(rows, columns)

        return (Planes(shape, read),)

    def write(self, start: int, x: np.ndarray) -> None:
        offset, shape, kind = self.layout()
        values = memoryview(np.ascontiguousarray(x, kind)).cast("B")  # type: ignore[arg-type]
        place = offset + start * int(np.prod(shape[1:])) * kind.itemsize
        number = os.open(self.path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
        try:
            if hasattr(os, "pwrite"):
                while values:
                    wrote = os.pwrite(number, values, place)
                    values, place = values[wrote:], place + wrote
            else:
                os.lseek(number, place, os.SEEK_SET)
                while values:
                    values = values[os.write(number, values) :]
            os.fsync(number)
        finally:
            os.close(number)

"""Pieces of a file that hold more slices than a block: each is read once in a run, however the blocks are cut.

What fits is kept in memory until the slices in it are done. What does not, a projection with all slices in each piece,
is copied beside the output as the numbers are, so that any part can be read, for as long as the run is not complete.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from napari_mlpatch.core.budget import bytes_of, in_words, limit
from napari_mlpatch.io.arrays import Stored
from napari_mlpatch.io.keeping import copied

MOST = 512 * 2**20
"""Bytes that are kept in memory."""
SHARE = 16
"""Not more than this part of what may be used."""
COPY, SUFFIX = "data-", ".npy"
"""How names of copies begin and end."""


class Pieces:
    """Of the arrays that a source is read from, ``bytes`` are kept in memory, those in ``large`` do not fit, each with
    its number and the axis of the slices. ``options`` are those that the file is read with.
    """

    def __init__(self) -> None:
        self.bytes, self.options, self.room = 0, "", 0
        self._every: list[tuple[int, Stored, int]] = []
        self.large: list[tuple[int, Stored, int]] = []

    def keep(self, sources: Iterable[tuple[Stored, int]]) -> None:
        """Keep what fits of these arrays, each of which has the slices along an axis."""
        every = {id(array): (array, axis) for array, axis in sources}
        self._every = [(number, *one) for number, one in enumerate(every.values())]
        self.within(most())

    def within(self, room: int) -> None:
        """Keep what fits into so many bytes."""
        self.bytes, self.room, self.large = 0, room, []
        for number, array, axis in self._every:
            depth = array.pieces[axis] if array.pieces else 1
            if depth == 1:
                continue
            slabs = min(2 * depth, array.shape[axis]) * _row(array, axis)  # a block may begin in one and end in another
            fits = self.bytes + slabs <= room
            array.keeping.slabs(axis, depth if fits else 0)
            if fits:
                self.bytes += slabs
            else:
                self.large.append((number, array, axis))

    def copying(self, folder: Path, fingerprint: str, other: int) -> Iterator[float | str]:
        """Copy into a folder what does not fit into memory, where the disk has room for it beside ``other`` bytes:
        how far it is, from 0 to 1, then notes on what was done. Copies of the same data that are there are used.

        Where something of a file cannot be read there is no copy: it is told with the blocks that it belongs to. Nor is
        there where the disk gets full all the same, or the user may write no more. Raises OSError for a folder that
        cannot be read.
        """
        names = self._names(fingerprint)
        for file in folder.iterdir():
            if is_copy(file.name) and file.name not in names:
                file.unlink()
        for name, (_, array, axis) in zip(names, self.large, strict=True):
            file, size, free = folder / name, bytes_of(array.shape, array.itemsize), shutil.disk_usage(folder).free
            if array.keeping.use(file, array.shape):
                continue
            if free < size + other:
                lacks = (
                    f"a copy that can be read in any part takes {in_words(size)}, the disk has {in_words(free)} free"
                )
                yield self._in_passes(array, axis, lacks)
                continue
            try:
                yield from copied(file, array.shape, array.pieces, array.read)
            except (OSError, ValueError) as error:
                why = (isinstance(error, OSError) and error.strerror) or str(error)
                yield self._in_passes(array, axis, f"no copy could be made, as {why.rstrip('.')}")
                continue
            array.keeping.use(file, array.shape)
            yield (
                f"each piece of the file holds many slices: a copy of {in_words(size)} that can be read in any part "
                f"lies in {folder.name} until the run is complete"
            )

    def use(self, folder: Path, fingerprint: str) -> None:
        """The copies that another process has made, where they are there."""
        for name, (_, array, axis) in zip(self._names(fingerprint), self.large, strict=True):
            if not array.keeping.use(folder / name, array.shape):
                self._in_passes(array, axis, "")

    def _names(self, fingerprint: str) -> list[str]:
        """Of the copies: others where the data are, or are read in another way."""
        key = hashlib.sha256(f"{fingerprint} {self.options}".encode()).hexdigest()[:16]
        return [f"{COPY}{key}-{number}{SUFFIX}" for number, _, _ in self.large]

    def _in_passes(self, array: Stored, axis: int, why: str) -> str:
        """As many slices at a time as fit into memory; a note on that."""
        row = _row(array, axis)
        depth = max(1, self.room // 2 // row)
        array.keeping.slabs(axis, depth)
        self.bytes += min(2 * depth, array.shape[axis]) * row
        return (
            f"each piece of the file holds many slices, and is read {math.ceil(array.shape[axis] / depth)} times: {why}"
        )


def most() -> int:
    """Bytes that may be kept in memory."""
    return min(MOST, limit() // SHARE)


def is_copy(name: str) -> bool:
    """Whether a file of this name, beside an output, is such a copy."""
    return name.startswith(COPY) and name.endswith(SUFFIX)


def remove_copies(folder: Path) -> None:
    for file in folder.iterdir() if folder.is_dir() else ():
        if is_copy(file.name):
            with suppress(OSError):
                file.unlink()


def _row(array: Stored, axis: int) -> int:
    """Bytes of one entry along the axis."""
    return bytes_of([n for k, n in enumerate(array.shape) if k != axis], array.itemsize)

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
from napari_mlpatch.core.files import is_temporary
from napari_mlpatch.io.arrays import Stored
from napari_mlpatch.io.keeping import copied

MOST = 512 * 2**20
"""Bytes that are kept in memory."""
SHARE = 16
"""Not more than this part of what may be used."""
COPY, SUFFIX = "data-", ".npy"
"""How names of copies begin and end."""


class Pieces:
    """Of ``every`` array with such pieces ``bytes`` are kept in memory, those in ``large`` do not fit into ``room``,
    each with its number and the axis of the slices. If need be, ``at_a_time`` slices of these are read
    together. ``options`` are those that the file is read with. ``held`` bytes stay in memory as a whole, whatever is
    done: of files that can only be read so.
    """

    def __init__(self) -> None:
        self.bytes, self.options, self.room, self.at_a_time, self.held = 0, "", 0, 1, 0
        self.every: list[tuple[int, Stored, int]] = []
        self.large: list[tuple[int, Stored, int]] = []

    def keep(self, sources: Iterable[tuple[Stored, int]]) -> None:
        """Keep what fits of these arrays, each of which has the slices along an axis."""
        each = {id(array): (array, axis) for array, axis in sources}.values()
        self.held = sum(array.held for array, _ in each)
        self.every = [
            (k, array, axis) for k, (array, axis) in enumerate(each) if array.pieces and array.pieces[axis] > 1
        ]
        self.within(most())

    def within(self, room: int, wanted: tuple[int, int] | None = None) -> None:
        """Keep what fits into so many bytes: pieces, or else all that is ``wanted`` of them, a range of the slices
        (None: all)."""
        self.bytes, self.room, self.large = 0, room, []
        for number, array, axis in self.every:
            count, row, start = array.shape[axis], _row(array, axis), 0
            first, last = wanted or (0, count)
            depth = array.pieces[axis]
            slabs = min(2 * depth, count)  # a block may begin in one and end in another
            if self.bytes + slabs * row > room and last - first < slabs:
                depth, slabs, start = last - first, last - first, first
            fits = self.bytes + slabs * row <= room
            array.keeping.slabs(*((axis, depth, start) if fits else (axis, 0)))
            if fits:
                self.bytes += slabs * row
            else:
                self.large.append((number, array, axis))
        left = max(room - self.bytes, room // 2)
        self.at_a_time = max(1, left // max(2 * sum(_row(array, axis) for _, array, axis in self.large), 1))

    def copying(self, folder: Path, fingerprint: str, other: int) -> Iterator[float | str]:
        """Copy into a folder what does not fit into memory, where the disk has room for it beside ``other`` bytes:
        how far it is, from 0 to 1, then notes on what was done. Copies of the same data that are there are used.

        Where something of a file cannot be read there is no copy: it is told with the blocks that it belongs to. Nor is
        there where the disk gets full all the same, or the user may write no more. Raises OSError for a folder that
        cannot be used.
        """
        for name, one in zip(self._names(fingerprint), self.every, strict=True):
            _, array, axis = one
            file, size, free = folder / name, bytes_of(array.shape, array.itemsize), shutil.disk_usage(folder).free
            if array.keeping.use(file, array.shape) or one not in self.large:
                continue
            if free < size + other:
                lacks = f"a copy that can be read in any part takes {in_words(size)}, the volume {in_words(other)}"
                yield self._in_passes(array, axis, f"{lacks}, and the disk has {in_words(free)} free")
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

    def tidy(self, folder: Path, fingerprint: str) -> None:
        """Remove copies of other data, and what is left of one that was not ended. Raises OSError."""
        names = self._names(fingerprint)
        for file in folder.iterdir():
            killed = is_temporary(file.name) and file.suffix == SUFFIX  # as it was written: who has the claim is alone
            if killed or (is_copy(file.name) and file.name not in names):
                with suppress(OSError):
                    file.unlink()

    def use(self, folder: Path, fingerprint: str) -> None:
        """The copies that another process has made, where they are there."""
        for name, one in zip(self._names(fingerprint), self.every, strict=True):
            _, array, axis = one
            if not array.keeping.use(folder / name, array.shape) and one in self.large:
                self._in_passes(array, axis, "")

    def _names(self, fingerprint: str) -> list[str]:
        """Of the copies: others where the data are, or are read in another way."""
        key = hashlib.sha256(f"{fingerprint} {self.options}".encode()).hexdigest()[:16]
        return [f"{COPY}{key}-{number}{SUFFIX}" for number, _, _ in self.every]

    def _in_passes(self, array: Stored, axis: int, why: str) -> str:
        """As many slices of all that is large at a time as fit into memory, in parts of a piece that are about alike; a
        note on that."""
        count = array.shape[axis]
        piece = min(array.pieces[axis], count)
        times = math.ceil(piece / min(piece, self.at_a_time))
        depth = math.ceil(piece / times)
        array.keeping.slabs(axis, depth, piece=piece)
        self.bytes += min(2 * depth, count) * _row(array, axis)
        return f"each piece of the file holds many slices, and is read {math.ceil(piece / depth)} times: {why}"


def most() -> int:
    """Bytes that may be kept in memory."""
    return min(MOST, limit() // SHARE)


def is_copy(name: str) -> bool:
    """Whether a file of this name, beside an output, is such a copy."""
    return name.startswith(COPY) and name.endswith(SUFFIX)


def copies_in(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if is_copy(file.name)] if folder.is_dir() else []


def remove_copies(folder: Path) -> None:
    for file in copies_in(folder):
        with suppress(OSError):
            file.unlink()


def _row(array: Stored, axis: int) -> int:
    """Bytes of one entry along the axis."""
    return bytes_of([n for k, n in enumerate(array.shape) if k != axis], array.itemsize)

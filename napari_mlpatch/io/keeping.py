"""Pieces of an array in a file that can only be read as a whole, compressed chunks and pages: read once, not again for
each of the slices that lie in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of
from napari_mlpatch.core.files import replacing_file

STEP = 64 * 2**20
"""Bytes that are copied at a time, if a piece is not larger."""

Read = Callable[[Any], np.ndarray]


class Keeping:
    """What stands between an array of a file and those who read its parts, one thread at a time.

    Nothing, until ``slabs`` or ``use`` is called.
    """

    def __init__(self) -> None:
        self._axis, self._depth, self._start, self._piece = 0, 0, 0, 0
        self._slabs: dict[int, np.ndarray] = {}
        self._copy: Path | None = None

    def slabs(self, axis: int, depth: int, start: int = 0, piece: int = 0) -> None:
        """Read ``depth`` entries along an axis at a time, from ``start``, and keep those of the last part that was
        asked for; 0: none. None of them are of two pieces, which have so many entries (0: as many).
        """
        asked = (axis, depth, start, piece or depth)
        if asked != (self._axis, self._depth, self._start, self._piece):
            self._axis, self._depth, self._start, self._piece = asked
            self._slabs = {}

    def use(self, file: Path, shape: tuple[int, ...]) -> bool:
        """Read from this copy, see ``copied``; False where it is none of an array of this shape."""
        with suppress(OSError, ValueError):
            if np.load(file, mmap_mode="r").shape == shape:
                self._copy = file
                return True
        return False

    def read(self, shape: tuple[int, ...], read: Read, index: Any) -> np.ndarray:
        """The part of an array of this shape at an index, of which ``read`` knows the file."""
        if self._copy is not None:
            return np.array(np.load(self._copy, mmap_mode="r")[index])
        if self._depth:
            parts = [*(index if isinstance(index, tuple) else (index,))]
            parts += [slice(None)] * (len(shape) - len(parts))
            along = _range(parts[self._axis], shape[self._axis])
            if along is not None and along != range(shape[self._axis]):
                parts[self._axis] = slice(None) if isinstance(parts[self._axis], slice) else 0
                return self._from_slabs(shape, read, along)[tuple(parts)]
        return read(index)

    def _from_slabs(self, shape: tuple[int, ...], read: Read, along: range) -> np.ndarray:
        lead = (slice(None),) * self._axis
        wanted = range(self._slab_of(along.start), self._slab_of(along.stop - 1) + 1)
        self._slabs = {k: slab for k, slab in self._slabs.items() if k in wanted}
        found = []
        for k in wanted:
            first, last = self._bounds(k, shape[self._axis])
            if k not in self._slabs:
                self._slabs[k] = read((*lead, slice(first, last)))
            found.append(self._slabs[k][(*lead, slice(max(along.start - first, 0), along.stop - first))])
        return found[0] if len(found) == 1 else np.concatenate(found, self._axis)

    def _slab_of(self, entry: int) -> int:
        piece, inside = divmod(entry - self._start, self._piece)
        return piece * -(-self._piece // self._depth) + inside // self._depth

    def _bounds(self, k: int, count: int) -> tuple[int, int]:
        """First entry and the one after the last of a slab, of an axis of ``count``."""
        piece, inside = divmod(k, -(-self._piece // self._depth))
        begin, end = self._start + piece * self._piece, self._start + (piece + 1) * self._piece
        first = begin + inside * self._depth
        return max(first, 0), min(first + self._depth, end, count)


def _range(part: Any, count: int) -> range | None:
    """The entries of an axis that a part of an index means; None for lists and steps."""
    if isinstance(part, int | np.integer):
        return range(int(part) % count, int(part) % count + 1)
    found = range(*part.indices(count)) if isinstance(part, slice) else None
    return found if found and found.step == 1 else None


def copied(file: Path, shape: tuple[int, ...], pieces: tuple[int, ...], read: Read) -> Iterator[float]:
    """Write an array to an NPY file piece by piece, each of which is read once; tells how far it is, from 0 to 1.

    Left alone in between, there is no file. Raises OSError, and ValueError for pieces of several types.
    """
    with replacing_file(file) as temporary, temporary.open("wb") as stream:
        kind: np.dtype | None = None
        begin, done = 0, 0
        for index in _steps(shape, pieces):
            values = read(index)
            if kind is None:
                kind = values.dtype
                np.lib.format.write_array_header_1_0(
                    stream, {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
                )
                begin = stream.tell()
            if values.dtype != kind:
                raise ValueError(f"pieces of {kind} and of {values.dtype}")
            _write(stream, begin, shape, index, np.ascontiguousarray(values))
            done += values.size
            yield done / max(bytes_of(shape, 1), 1)


def _steps(shape: tuple[int, ...], pieces: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Whole pieces, several of them along the first axis where they are small: together they are the array."""
    row = bytes_of((pieces[0], *shape[1:]), 8)
    steps = (pieces[0] * max(1, STEP // max(row, 1)), *(shape[1:] if row <= STEP else pieces[1:]))
    axes = [[slice(k, min(k + step, n)) for k in range(0, n, step)] for n, step in zip(shape, steps, strict=True)]
    yield from itertools.product(*axes)


def _write(stream: Any, begin: int, shape: tuple[int, ...], index: tuple[slice, ...], values: np.ndarray) -> None:
    """Into the place of a part; as few pieces as lie together in the file."""
    axis = len(shape)
    while axis > 0 and values.shape[axis - 1] == shape[axis - 1]:
        axis -= 1
    lead = max(axis - 1, 0)  # axes before it are gone through one by one
    strides = [bytes_of(shape[k + 1 :], values.itemsize) for k in range(len(shape))]
    for at in np.ndindex(values.shape[:lead]):
        place = (*(part.start + k for part, k in zip(index, at, strict=False)), *(part.start for part in index[lead:]))
        stream.seek(begin + sum(k * stride for k, stride in zip(place, strides, strict=True)))
        stream.write(values[at])

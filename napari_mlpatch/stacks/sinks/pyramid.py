"""The smaller levels of a volume in OME-Zarr: each shard is made as soon as the slices are there that it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .shards import array_of, file_of, write

SMALL = 256
"""Rows and columns below which no smaller level is made."""
BAND = 64
"""Rows that are halved at a time, so that they stay in the processor's cache."""


class Pyramid:
    """The levels 1, 2 and so on of the volume ``shape`` at ``path``, of which level 0 has shards of ``block`` slices.

    A shard takes the place of nothing in one step, and its numbers follow from the slices alone: whoever makes it, and
    when, it is the same to the bit. Several may make one at the same time.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], block: int):
        self.path, self.block, self.shapes = path, block, shapes_of(shape)
        self._arrays: dict[int, Any] = {}

    def create(self, group: Any) -> None:
        """The empty levels that are not there. Half as many slices as in a shard of the one before, if that is whole,
        are in one: so it is made of a single one."""
        depth = self.block
        for level, shape in enumerate(self.shapes[1:], 1):
            depth = depth if depth % 2 else depth // 2
            if str(level) not in group:
                array_of(group, str(level), shape, depth)

    def grow(self, start: int, stop: int, x: np.ndarray | None, whole: Callable[[int], bool]) -> None:
        """Make what can be made now that a block of slices is there, which are ``x``, or are read (None).

        ``whole`` tells whether a block of this number is there for good. Raises OSError.
        """
        low, high, planes = start, stop, x
        for level in range(1, len(self.shapes)):
            small = self._open(level)
            if small is None:  # of a version that made them at the end
                return
            depth = small.shards[0]
            shard = low // (2 * depth)
            first, last = self._before(level, shard, depth)
            if (first, last) != (low, high):
                if not self._is_there_all(level - 1, first, last, whole):
                    return
                planes = None
            planes = None if self._is_there(small, level, shard) else self._make(small, level, shard, planes)
            low, high = shard * depth, min((shard + 1) * depth, small.shape[0])

    def missing(self) -> Iterator[tuple[float, Callable[[], Any]]]:
        """What is still to be made, level by level: the share of all of it that each is, and how to make it."""
        todo: list[tuple[int, Any, int, int]] = []
        for level in range(1, len(self.shapes)):
            small = self._open(level)
            for shard in range(math.ceil(small.shape[0] / small.shards[0])):
                if not self._is_there(small, level, shard):
                    planes = min(small.shards[0], small.shape[0] - shard * small.shards[0])
                    todo.append((planes * math.prod(small.shape[1:]), small, level, shard))
        whole = sum(size for size, *_ in todo)
        for size, *which in todo:
            yield size / whole, partial(self._make, *which, None)  # type: ignore[call-arg]

    def forget(self, start: int) -> None:
        """Take away what is made of the block that begins at ``start``."""
        for level in range(1, len(self.shapes)):
            small = self._open(level)
            if small is not None:
                file_of(self.path / str(level), (start >> level) // small.shards[0]).unlink(missing_ok=True)

    def _make(self, small: Any, level: int, shard: int, planes: np.ndarray | None) -> np.ndarray:
        depth = small.shards[0]
        low, high = self._before(level, shard, depth)
        large: Any = self._open(level - 1) if planes is None else None
        pairs = (
            np.asarray(large[k : min(k + 2, high)]) if planes is None else planes[k - low : min(k + 2, high) - low]
            for k in range(low, high, 2)
        )
        made = halved(pairs)
        write(self.path / str(level), small, shard * depth, made)
        return made

    def _before(self, level: int, shard: int, depth: int) -> tuple[int, int]:
        """The slices of the level before of which a shard is made."""
        return 2 * depth * shard, min(2 * depth * (shard + 1), self.shapes[level - 1][0])

    def _is_there_all(self, level: int, first: int, last: int, whole: Callable[[int], bool]) -> bool:
        if level == 0:
            return all(map(whole, range(first // self.block, math.ceil(last / self.block))))
        array = self._open(level)
        depth = array.shards[0]
        return all(self._is_there(array, level, k) for k in range(first // depth, math.ceil(last / depth)))

    def _is_there(self, array: Any, level: int, shard: int) -> bool:
        """Whether a shard is whole: one that an older version of Zarr wrote when it was killed is not."""
        depth, pieces = array.shards[0], math.prod(array.shards[1:]) // math.prod(array.chunks[1:])
        planes = min(depth, array.shape[0] - shard * depth)
        try:
            size = file_of(self.path / str(level), shard).stat().st_size
        except OSError:
            return False
        return size > planes * pieces * math.prod(array.chunks[1:]) * array.dtype.itemsize

    def _open(self, level: int) -> Any:
        """None where it is not there."""
        import zarr

        path = self.path / str(level)
        if level not in self._arrays and (path / "zarr.json").exists():
            self._arrays[level] = zarr.open_array(str(path), mode="r+")
        return self._arrays.get(level)


def shapes_of(shape: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Of all levels, the finest first."""
    shapes = [shape]
    while max(shape[1:]) > SMALL and min(shape[1:]) > 1:
        shape = (math.ceil(shape[0] / 2), math.ceil(shape[1] / 2), math.ceil(shape[2] / 2))
        shapes.append(shape)
    return shapes


def halved(pairs: Iterable[np.ndarray]) -> np.ndarray:
    """The mean of each 2 x 2 x 2 (less at the ends) of pairs of planes ``[1 or 2, rows, columns]``."""
    return np.stack([_halved(pair[0], pair[-1]) for pair in pairs])


def _halved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    rows, columns = one.shape
    made = np.empty((math.ceil(rows / 2), math.ceil(columns / 2)), np.float32)
    for row in range(0, rows, BAND):
        band = one[row : row + BAND] + other[row : row + BAND]
        if len(band) % 2 or columns % 2:
            band = np.pad(band, ((0, len(band) % 2), (0, columns % 2)), mode="edge")
        lines = band[::2] + band[1::2]
        half = made[row // 2 : row // 2 + len(lines)]
        np.add(lines[:, ::2], lines[:, 1::2], out=half)
        half *= np.float32(0.125)
    return made

"""Arrays of Zarr 3 whose shards are whole slices, and a shard as it is stored: the library copies it four times."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.files import clean_up, replacing_file, sync

TILE = 512
"""Rows and columns of the pieces that are read at a time."""
WHOLE: Any = {"write_empty_chunks": True}
"""Pieces of zeros are written as others are: to look for them takes longer."""
NOT_THERE = 2**64 - 1


def array_of(group: Any, name: str, shape: tuple[int, int, int], depth: int) -> Any:
    """An empty array of float32, ``depth`` slices in a shard, uncompressed."""
    counts = [math.ceil(n / TILE) for n in shape[1:]]
    tiles = [math.ceil(n / count) for n, count in zip(shape[1:], counts, strict=True)]  # so that little is padded
    shards = (depth, *(tile * count for tile, count in zip(tiles, counts, strict=True)))
    return group.create_array(
        name,
        shape=shape,
        dtype="float32",
        chunks=(1, *tiles),
        shards=shards,
        compressors=None,
        fill_value=0.0,
        dimension_names=("z", "y", "x"),
    )


def file_of(folder: Path, shard: int) -> Path:
    """Where the array in a folder has this shard."""
    return folder / "c" / str(shard) / "0" / "0"


def write(folder: Path, array: Any, start: int, x: np.ndarray) -> None:
    """The slices ``x`` from ``start`` on into the array of a folder; a whole shard in one step. Raises OSError."""
    depth = array.shards[0]
    file = file_of(folder, start // depth)
    if start % depth == 0 and len(x) == min(depth, array.shape[0] - start):
        file.parent.mkdir(parents=True, exist_ok=True)
        clean_up(file.parent)  # of a process that was killed here
        with replacing_file(file) as temporary, temporary.open("wb") as stream:
            for part in stored(x, depth, array.chunks[1:]):
                stream.write(part)  # type: ignore[arg-type]
    else:
        whole = array.with_config(WHOLE) if hasattr(array, "with_config") else array  # from zarr 3.1.6 on
        whole[start : start + len(x)] = x
        if file.exists():  # a block of zeros may have none
            sync(file)


def stored(x: np.ndarray, depth: int, tile: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, bytes]:
    """The pieces of a shard of slices ``[k, rows, columns]``, where each begins and how long it is, and the check sum.

    As the codec ``sharding_indexed`` has it (zarr-specs.readthedocs.io): the index, little-endian, at the end.
    """
    import google_crc32c

    count, *sides = x.shape
    counts = [math.ceil(n / side) for n, side in zip(sides, tile, strict=True)]
    more = [(0, k * side - n) for n, k, side in zip(sides, counts, tile, strict=True)]
    if any(after for _, after in more):
        x = np.pad(x, [(0, 0), *more])
    pieces = np.empty((count, *counts, *tile), "<f4")
    pieces[:] = x.reshape(count, counts[0], tile[0], counts[1], tile[1]).swapaxes(2, 3)
    index = np.full((depth, *counts, 2), NOT_THERE, "<u8")
    size = math.prod(tile) * pieces.itemsize
    index[:count, ..., 0] = size * np.arange(count * math.prod(counts)).reshape(count, *counts)
    index[:count, ..., 1] = size
    return pieces, index, google_crc32c.value(index.tobytes()).to_bytes(4, "little")

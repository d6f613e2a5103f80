"""Arrays of Zarr 3 whose shards are whole slices, and a shard as it is stored: the library copies it four times."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.files import clean_up, replacing_file, sync
from napari_mlpatch.core.past_cache import PastCache

TILE = 512
"""Rows and columns of the pieces that are read at a time."""
WHOLE: Any = {"write_empty_chunks": True}
"""Pieces of zeros are written as others are: to look for them takes longer."""
NOT_THERE = 2**64 - 1
SAMPLE = np.dtype("<f4")


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
        with replacing_file(file) as temporary:
            store(temporary, x, depth, array.chunks[1:])
    else:
        whole = array.with_config(WHOLE) if hasattr(array, "with_config") else array  # from zarr 3.1.6 on
        whole[start : start + len(x)] = x
        if file.exists():  # a block of zeros may have none
            sync(file)


def store(path: Path, x: np.ndarray, depth: int, tile: tuple[int, int]) -> None:
    """A shard of slices ``[k, rows, columns]`` as the codec ``sharding_indexed`` has it (zarr-specs.readthedocs.io):
    its pieces of the sides ``tile``, then where each begins and how long it is, little-endian, and the check sum."""
    import google_crc32c

    high, wide = tile
    counts = [math.ceil(n / side) for n, side in zip(x.shape[1:], tile, strict=True)]
    size = high * wide * SAMPLE.itemsize
    index = np.full((depth, *counts, 2), NOT_THERE, "<u8")
    index[: len(x), ..., 0] = size * np.arange(len(x) * math.prod(counts)).reshape(len(x), *counts)
    index[: len(x), ..., 1] = size
    with PastCache(path, max(counts[1] * size, index.nbytes)) as file:
        for plane in x:
            for row in range(0, len(plane), high):
                lines = plane[row : row + high]
                missing = [(0, high - len(lines)), (0, counts[1] * wide - lines.shape[1])]
                if any(after for _, after in missing):
                    lines = np.pad(lines, missing)
                file.append(lines.astype(SAMPLE, copy=False).reshape(high, counts[1], wide).swapaxes(0, 1))
        file.append(index)
        file.append(np.array([google_crc32c.value(index.tobytes())], "<u4"))

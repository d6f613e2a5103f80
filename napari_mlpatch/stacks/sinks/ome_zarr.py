"""OME-Zarr 0.5 on Zarr 3: a shard is a block, so that no two workers write one file; a pyramid at the end."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..planes import Planes
from .sink import KEY, Sink, Volume

TILE = 512
"""Rows and columns of the pieces that are read at a time."""
WHOLE: Any = {"write_empty_chunks": True}
"""Pieces of zeros are written as others are: to look for them takes longer."""
SMALL = 256
"""Rows and columns below which no smaller level is made."""
UNITS = {
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "um": "micrometer",
    "µm": "micrometer",
    "nm": "nanometer",
    "å": "angstrom",
}


class OmeZarr(Sink):
    """A folder that OME-Zarr 0.5 describes (https://ngff.openmicroscopy.org/0.5): level 0 is ``[z, y, x]`` float32."""

    overhead = 8.0 / 7.0 + 0.01

    def create(self, volume: Volume) -> None:
        import zarr

        about = {**_multiscales(self.path.name, volume, 1), KEY: {**volume.notes, "complete": False}}
        group = zarr.create_group(str(self.path), zarr_format=3, attributes=about)  # from the first file on it is known
        _array(group, "0", volume.shape, volume.block)

    def write(self, start: int, x: np.ndarray) -> None:
        import zarr

        array = zarr.open_array(str(self.path / "0"), mode="r+")
        if hasattr(array, "with_config"):  # from zarr 3.1.6 on
            array = array.with_config(WHOLE)
        array[start : start + len(x)] = x
        shard = self._shard(start, len(x))
        if shard.exists():  # before, a block of zeros has none
            _sync(shard)

    def about(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.path / "zarr.json").read_bytes())["attributes"][KEY]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, dict) else None

    def levels(self, about: dict[str, Any]) -> tuple[Planes, ...]:
        import zarr

        group = zarr.open_group(str(self.path), mode="r")
        scales: Any = group.attrs["ome"]
        arrays = [group[one["path"]] for one in scales["multiscales"][0]["datasets"]]
        return tuple(Planes(array.shape, array.__getitem__) for array in arrays)  # type: ignore[union-attr]

    def tidy(self, start: int, stop: int) -> None:
        folder = self._shard(start, stop - start).parent
        for left in folder.glob("*.partial") if folder.is_dir() else ():
            left.unlink(missing_ok=True)

    def discard(self, start: int, stop: int) -> None:
        self._shard(start, stop - start).unlink(missing_ok=True)
        self.tidy(start, stop)

    def finishing(self) -> Iterator[float]:
        """The pyramid, shard by shard; a level that is whole is not made again."""
        import zarr

        group = zarr.open_group(str(self.path), mode="r+")
        about: dict[str, Any] = dict(group.attrs[KEY])  # type: ignore[arg-type]
        if about["complete"]:
            return
        volume = Volume(
            group["0"].shape,  # type: ignore[union-attr,arg-type]
            about["block"],
            tuple(about["spacing"]),
            about["unit"],
            about,
        )
        shapes = _shapes(volume.shape)
        made, whole = about.get("levels", 1), sum(map(math.prod, shapes[1:]))
        done = sum(map(math.prod, shapes[1:made]))
        for level in range(made, len(shapes)):
            about["levels"] = level
            group.update_attributes({KEY: about})
            shutil.rmtree(self.path / str(level), ignore_errors=True)  # of a run that was ended here
            small = _array(group, str(level), shapes[level], volume.block)
            for planes in _halve(group[str(level - 1)], small, volume.block):
                done += planes * math.prod(shapes[level][1:])
                yield min(done / whole, 0.999)  # 1 when that is noted, too
        about |= {"levels": len(shapes), "complete": True}
        group.update_attributes({**_multiscales(self.path.name, volume, len(shapes)), KEY: about})
        yield 1.0

    def _shard(self, start: int, block: int) -> Path:
        """The file of the block that begins at ``start``; only the last one is shorter than the others."""
        about = self.about()
        size = block if about is None else about["block"]
        return self.path / "0" / "c" / str(start // size) / "0" / "0"


def _shapes(shape: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Of all levels, the finest first."""
    shapes = [shape]
    while max(shape[1:]) > SMALL and min(shape[1:]) > 1:
        shape = (math.ceil(shape[0] / 2), math.ceil(shape[1] / 2), math.ceil(shape[2] / 2))
        shapes.append(shape)
    return shapes


def _array(group: Any, name: str, shape: tuple[int, int, int], block: int) -> Any:
    counts = [math.ceil(n / TILE) for n in shape[1:]]
    tiles = [math.ceil(n / count) for n, count in zip(shape[1:], counts, strict=True)]  # so that little is padded
    shards = (block, *(tile * count for tile, count in zip(tiles, counts, strict=True)))
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


def _multiscales(name: str, volume: Volume, levels: int) -> dict[str, Any]:
    unit = UNITS.get(volume.unit.lower())
    axes = [{"name": axis, "type": "space"} | ({"unit": unit} if unit else {}) for axis in "zyx"]
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {"type": "scale", "scale": [n * 2.0**level for n in volume.spacing]},
                {"type": "translation", "translation": [n * (2.0**level - 1.0) / 2.0 for n in volume.spacing]},
            ],
        }
        for level in range(levels)
    ]
    return {"ome": {"version": "0.5", "multiscales": [{"name": name, "axes": axes, "datasets": datasets}]}}


def _halve(large: Any, small: Any, block: int) -> Iterator[int]:
    """The mean of each 2 x 2 x 2 (less at the ends), one shard at a time; gives how many planes that has."""
    for start in range(0, small.shape[0], block):
        stop = min(start + block, small.shape[0])
        planes = []
        for z in range(start, stop):
            pair = np.asarray(large[2 * z : 2 * z + 2])
            plane = pair[0] + pair[-1]
            rows, columns = plane.shape
            if rows % 2 or columns % 2:
                plane = np.pad(plane, ((0, rows % 2), (0, columns % 2)), mode="edge")
            halved = plane[::2] + plane[1::2]
            planes.append((halved[:, ::2] + halved[:, 1::2]) * np.float32(0.125))
        small[start:stop] = np.stack(planes)
        yield stop - start


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

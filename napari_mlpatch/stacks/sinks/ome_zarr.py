"""OME-Zarr 0.5 on Zarr 3: a shard is a block, so that no two workers write one file; a pyramid that grows with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.files import clean_up

from ..planes import Planes
from .pyramid import Pyramid
from .shards import array_of, file_of, write
from .sink import KEY, Sink, Volume

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
    _last: Pyramid | None = None

    def create(self, volume: Volume) -> None:
        import zarr

        Path(os.path.realpath(self.path)).mkdir(exist_ok=True)  # a link may lead where nothing is yet
        about = {**_multiscales(self.path.name, volume, 1), KEY: {**volume.notes, "complete": False}}
        group = zarr.create_group(str(self.path), zarr_format=3, attributes=about)  # from the first file on it is known
        array_of(group, "0", volume.shape, volume.block)
        self._last = Pyramid(self.path, volume.shape, volume.block)
        self._last.create(group)

    def write(self, start: int, x: np.ndarray) -> None:
        import zarr

        self._forget(start)  # what another run has made of this block by now
        folder = self.path / "0"
        write(folder, zarr.open_array(str(folder), mode="r+"), start, x)

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

    def settle(self, start: int, stop: int, x: np.ndarray | None, whole: Callable[[int], bool]) -> None:
        """The smaller levels, as far as their slices are there; of the volume they are when all of them are."""
        about = self.about()
        if about is not None:
            self._pyramid(about).grow(start, stop, x, whole)

    def tidy(self, start: int, stop: int) -> None:
        folder = self._shard(start, stop - start).parent
        for left in folder.glob("*.partial") if folder.is_dir() else ():  # Zarr's
            left.unlink(missing_ok=True)
        clean_up(folder)
        self._forget(start)

    def discard(self, start: int, stop: int) -> None:
        self._shard(start, stop - start).unlink(missing_ok=True)
        self.tidy(start, stop)

    def finishing(self) -> Iterator[float]:
        """What is still missing of the pyramid, shard by shard."""
        import zarr

        group = zarr.open_group(str(self.path), mode="r+")
        about: dict[str, Any] = dict(group.attrs[KEY])  # type: ignore[arg-type]
        if about["complete"]:
            return
        pyramid, done = self._pyramid(about), 0.0
        group.update_attributes({KEY: about | {"levels": 1}})  # all slices are there
        pyramid.create(group)
        for share, make in pyramid.missing():
            make()
            done += share
            yield min(done, 0.999)  # 1 when that is noted, too
        volume = Volume(tuple(about["shape"]), about["block"], tuple(about["spacing"]), about["unit"], about)  # type: ignore
        about |= {"levels": len(pyramid.shapes), "complete": True}
        group.update_attributes({**_multiscales(self.path.name, volume, len(pyramid.shapes)), KEY: about})
        yield 1.0

    def _forget(self, start: int) -> None:
        about = self.about()
        if about is not None:
            self._pyramid(about).forget(start)

    def _pyramid(self, about: dict[str, Any]) -> Pyramid:
        shape, block = tuple(about["shape"]), about["block"]
        if self._last is None or (self._last.shapes[0], self._last.block) != (shape, block):
            self._last = Pyramid(self.path, shape, block)  # type: ignore[arg-type]
        return self._last

    def _shard(self, start: int, block: int) -> Path:
        """The file of the block that begins at ``start``; only the last one is shorter than the others."""
        about = self.about()
        size = block if about is None else about["block"]
        return file_of(self.path / "0", start // size)


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

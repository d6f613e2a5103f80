"""HDF5: the volume as ``image`` ``[slices, rows, columns]``, uncompressed, what it was made from as ``about``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .in_place import InPlace
from .sink import KEY, Volume


class Hdf5(InPlace):
    def make(self, temporary: Path, volume: Volume) -> None:
        import h5py

        with h5py.File(temporary, "w") as file:
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_layout(h5py.h5d.CONTIGUOUS)
            properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            space = h5py.h5s.create_simple(volume.shape)
            image = h5py.h5d.create(file.id, b"image", h5py.h5t.IEEE_F32LE, space, dcpl=properties)
            attributes = h5py.Dataset(image).attrs
            attributes["element_size"] = list(volume.spacing)
            attributes["unit"] = np.bytes_(volume.unit.encode())
            file.create_dataset("about", data=np.frombuffer(json.dumps({KEY: volume.notes}).encode(), np.uint8))
            file.attrs["complete"] = False

    def layout(self) -> tuple[int, tuple[int, ...], np.dtype]:
        import h5py

        with h5py.File(self.path, "r") as file:
            image: Any = file["image"]
            return image.id.get_offset(), image.shape, image.dtype

    def about(self) -> dict[str, Any] | None:
        import h5py

        try:
            with h5py.File(self.path, "r") as file:
                found = json.loads(np.asarray(file["about"][()]).tobytes())[KEY]  # type: ignore[index]
                return {**found, "complete": bool(file.attrs["complete"])}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finishing(self) -> Iterator[float]:
        import h5py

        with h5py.File(self.path, "r+") as file:
            file.attrs["complete"] = True
        yield 1.0

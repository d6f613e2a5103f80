"""Measurement files of this program that hold several items, ``y`` ``[slices, 1, *range_shape]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io import h5
from napari_mlpatch.io.arrays import Stored
from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.own import GROUP
from napari_mlpatch.io.precision import check_finite, to_complex64, to_float32
from napari_mlpatch.io.problem_file import operator_of

from ..care.step import Geometry
from ..source import Source

if TYPE_CHECKING:
    from napari_mlpatch.core.recipe import Recipe


def has_group(path: Path, name: str) -> bool:
    """Whether this is an HDF5 file with a group of that name."""
    import h5py

    if not path.is_file() or not h5py.is_hdf5(path):
        return False
    with reading(path, "HDF5"), h5py.File(path, "r") as file:
        return name in file


class OwnStack(Source):
    """``read`` gives ``y`` of the items of a range, in float32 or complex64."""

    def __init__(self, path: Path, recipe: Recipe):
        super().__init__(path)
        import h5py

        from napari_mlpatch.io.readers.h5_stored import UNCACHED, pieces_of

        with reading(path, "a measurement of this program"), h5py.File(path, "r") as file:
            group = h5.group(path, file, GROUP)
            found = h5.dataset(path, group, "y")
            shape, size, chunked = found.shape, found.dtype.itemsize, pieces_of(found)
            described = operator_of(path, group)
        if len(shape) < 3 or shape[1] != 1:
            raise InputError(f"{path}: data of shape {list(shape)} are no stack of one channel: [slices, 1, ...].")
        self.count, _, *rest = shape
        self.shape = tuple(rest)
        self.measured = described.get("params", {}) if described.get("name") == recipe.operator.name else {}
        self._angles = self.measured.get("angles_deg", recipe.operator.params.get("angles_deg"))
        self._pitch = recipe.operator.params.get("detector_pitch", 1.0)
        self.kind = "data" if self._angles is None else "sinogram"
        self._cache = None if chunked else UNCACHED
        self._y = Stored(shape, self._part, pieces=chunked, itemsize=size)
        self.pieces.keep([(self._y, 0)])

    def _part(self, index: Any) -> np.ndarray:
        import h5py

        path, cache = self.path, self._cache
        with reading(path, "a measurement of this program"), h5py.File(path, "r", rdcc_nbytes=cache) as file:
            return h5.array(path, h5.group(path, file, GROUP), "y", index)

    def read(self, start: int, stop: int) -> np.ndarray:
        values = self._y.read((slice(start, stop), 0))
        check_finite(values, f"Slices {start} to {stop} of {self.path.name}")
        return to_complex64(values) if np.iscomplexobj(values) else to_float32(values)

    def geometry(self, start: int, stop: int) -> Geometry | None:
        if self._angles is None:
            return None
        from napari_mlpatch.core.declare import parse_angles

        angles = np.asarray(parse_angles(self._angles), float)
        return Geometry(angles, None, self._pitch, "", start, self.count)

"""NumPy files: NPY with one array, NPZ with several named ones. Never pickled objects."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from .kspace import load_kspace_npy
from .named import measurement_from


def load_npy(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram ``[angles, bins]`` or a stack ``[slices, angles, bins]``; large files are not read at once.

    Complex numbers are k-space, see ``kspace``.
    """
    array = open_npy(path)
    if array.dtype.kind == "c" and options.angle_axis is None and options.dataset is None:
        return load_kspace_npy(path, array)
    if options.dataset is not None:
        raise InputError(f"{path} holds a single array: leave out dataset ({options.dataset!r}).")
    stored = Stored(array.shape, lambda index: np.array(array[index]), array.dtype.kind in "iu")
    return measurement_from(path, {"image": stored}, options)


def load_npz(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram and, under usual names, angles, centre, flat and dark. See ``named``."""
    arrays = {}
    with reading(path, "NPZ"):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            for name in names:
                array = _read_member(path, archive, name)
                if array is not None:
                    arrays[name.removesuffix(".npy")] = Stored.of(array)
        return measurement_from(path, arrays, options)


def open_npy(path: Path) -> np.ndarray:
    """The array of an NPY file, on disk until it is used. Raises InputError."""
    with reading(path, "NPY"):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype.kind not in "biufc":
            raise InputError(f"{path} holds {array.dtype}, not numbers.")
        return array


def _read_member(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray | None:
    """One array of an archive, None where it holds no numbers."""
    size = archive.getinfo(name).file_size
    check_claim(path, name, (size,), 1)
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(member)
        if dtype.kind not in "iuf":
            return None
        check_claim(path, name, shape, dtype.itemsize)
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)

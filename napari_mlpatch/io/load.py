"""Any measurement file, told apart by its first bytes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_mlpatch.core.errors import InputError

from .fits import load_fits
from .guard import existing_file, reading
from .hdf5 import load_hdf5
from .matlab import load_matlab
from .measurement import Measurement
from .numpy_file import load_npy, load_npz, open_npy
from .tiff import load_tiff, stored_tiff

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

READERS: dict[str, Callable[..., Measurement]] = {
    "FITS": load_fits,
    "HDF5": load_hdf5,
    "MATLAB": load_matlab,
    "NPY": load_npy,
    "NPZ": load_npz,
    "TIFF": load_tiff,
}
SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".mat", ".npy", ".npz", ".tif", ".tiff", ".fits", ".fit")


def load(path: str | os.PathLike[str], *, dataset: str | None = None, angle_axis: str | None = None) -> Measurement:
    """Look into a file: what it holds, what was assumed, and what is missing. Large data are not read yet.

    ``dataset`` names the sinogram in a file of several arrays. ``angle_axis`` is the axis along which the angles run:
    "rows", "columns" or "pages". Raises InputError for files that are missing, empty, damaged or of another kind.
    """
    path = existing_file(path)
    return READERS[file_format(path)](path, dataset=dataset, angle_axis=angle_axis)


def read_measurement(
    path: str | os.PathLike[str], *, dataset: str | None = None, angle_axis: str | None = None, **options: Any
) -> Problem:
    """The reconstruction problem in a file: ``load`` and then ``Measurement.problem``, which names the options.

    Raises InputError for what cannot be read or does not fit together.
    """
    return problem_of(load(path, dataset=dataset, angle_axis=angle_axis), options)


def problem_of(measurement: Measurement, options: dict[str, Any]) -> Problem:
    """``measurement.problem(**options)``, with InputError for unknown options (they may come from a recipe)."""
    known = [name for name in inspect.signature(Measurement.problem).parameters if name != "self"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"Unknown option(s) {', '.join(unknown)}. Known: {', '.join(known)}.")
    return measurement.problem(**options)


def file_format(path: Path) -> str:
    """One of READERS, from the first bytes. Raises InputError."""
    with reading(path, "a measurement"), path.open("rb") as file:
        head = file.read(128)
    if head.startswith(b"\x93NUMPY"):
        return "NPY"
    if head.startswith(b"SIMPLE  ="):
        return "FITS"
    if head.startswith(b"PK\x03\x04"):
        return "NPZ"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head.startswith(b"MATLAB"):
        return "MATLAB"
    if h5py.is_hdf5(path):
        return "MATLAB" if path.suffix.lower() == ".mat" else "HDF5"
    if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        raise InputError(f"{path} is a picture, not a measurement. Load it as an image to simulate a measurement from.")
    if path.suffix.lower() in SUFFIXES:
        raise InputError(f"{path} does not begin like a {path.suffix} file: it is damaged or of another kind.")
    raise InputError(f"{path} is of no known kind. Measurements are read from {', '.join(SUFFIXES)}.")


def load_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in a TIFF or NPY file, for flat and dark fields. Raises InputError."""
    path = existing_file(path)
    kind = file_format(path)
    if kind == "NPY":
        return np.array(open_npy(path))
    if kind == "TIFF":
        return stored_tiff(path).read(())
    raise InputError(f"{path} is a {kind} file. Give this array as TIFF or NPY.")

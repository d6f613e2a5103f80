"""Arrays from files, for parameters: kernels, masks, sensitivities."""

from __future__ import annotations

import os

import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError

from .formats import format_of
from .guard import existing_file
from .image_files import image_from_file
from .readers.numpy_file import read_npy
from .readers.tiff import stored_tiff


def read_array(path: str | os.PathLike[str]) -> Array:
    """The numbers in a ``.npy`` file, of any shape and type, or the values of an image file.

    Raises InputError for files that are missing, damaged, of another kind, or hold NaN or infinite values.
    """
    file = existing_file(path)
    if file.suffix.lower() == ".npy":
        values = read_npy(file)
    else:
        values, _ = image_from_file(file)
    try:
        return Array(values)
    except ValueError as error:
        raise InputError(f"{file}: {error}.") from None


def load_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in a TIFF or NPY file, for flat and dark fields. Raises InputError."""
    path = existing_file(path)
    kind = format_of(path).name
    if kind == "NPY":
        return read_npy(path)
    if kind == "TIFF":
        return stored_tiff(path).read(())
    raise InputError(f"{path} is a {kind} file. Give this array as TIFF or NPY.")

"""Arrays from files, for parameters: kernels, masks, sensitivities."""

from __future__ import annotations

import os

import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError

from .guard import existing_file, reading
from .image_files import image_from_file


def read_array(path: str | os.PathLike[str]) -> Array:
    """The numbers in a ``.npy`` file, of any shape and type, or the values of an image file.

    Raises InputError for files that are missing, damaged, of another kind, or hold NaN or infinite values.
    """
    file = existing_file(path)
    if file.suffix.lower() == ".npy":
        with reading(file, "an array"):
            values = np.load(file, allow_pickle=False)
    else:
        values, _ = image_from_file(file)
    try:
        return Array(values)
    except ValueError as error:
        raise InputError(f"{file}: {error}.") from None

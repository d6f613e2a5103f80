"""The true image of a measurement, in a file of its own or beside the data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from .formats import format_of
from .guard import existing_file
from .image_files import read_image
from .precision import check_finite, to_float32
from .readers.h5_tree import read_tree

SCANNER = ("reconstruction_rss", "reconstruction_esc")
"""Pictures ``[slices, rows, columns]`` of fully sampled scans, as fastMRI has them."""


def read_truth(path: str | os.PathLike[str], source: Mapping[str, Any]) -> np.ndarray:
    """A true image: what ``read_image`` reads, or the scanner's picture of one slice in a fastMRI file.

    ``source`` is that of the problem, whose slice is taken, by default the middle one. Raises InputError.
    """
    path = existing_file(path)
    if path.suffix.lower() in (".h5", ".hdf5", ".hdf") and format_of(path).name == "HDF5":
        arrays = read_tree(path).arrays
        name = next((name for name in SCANNER if name in arrays), None)
        if name is not None:
            stored = arrays[name]
            count = stored.shape[0] if len(stored.shape) == 3 else 1
            index = source.get("options", {}).get("slice", count // 2)
            if len(stored.shape) not in (2, 3) or not isinstance(index, int) or not 0 <= index < count:
                raise InputError(f"{path}: {name} of shape {list(stored.shape)} has no picture of slice {index!r}.")
            picture = to_float32(stored.read(index if len(stored.shape) == 3 else ()))
            check_finite(picture, f"{name} of {path.name}")
            return picture
    return read_image(path)[0]

"""The kinds of files that pictures are written to, each with its recipe inside or beside it, each declared once."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

Write = Callable[[Path, np.ndarray, dict[str, Any], bool], None]


@dataclass(frozen=True)
class PictureFormat:
    """One kind of file: its name, its ``suffixes`` in lower case with their dot, the first for new names.

    ``module`` of this folder has ``write(target, array, about, force)``: a float32 or complex64 array ``[..., rows,
    columns]``, and the notes with recipe, pixel size and blank seal, complete or not at all.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str

    @property
    def write(self) -> Write:
        return importlib.import_module(f".{self.module}", __name__).write


FORMATS = (
    PictureFormat("OME-TIFF", (".ome.tif", ".ome.tiff"), "ome"),
    PictureFormat("TIFF", (".tif", ".tiff"), "tiff"),
    PictureFormat("HDF5", (".h5", ".hdf5"), "hdf5"),
    PictureFormat("NPY with a JSON file beside it", (".npy",), "numpy_file"),
    PictureFormat("FITS", (".fits", ".fit"), "fits"),
)
"""In the order in which they are tried."""


def format_for(path: Path) -> PictureFormat:
    """The kind of a file that is to be written, by its name. Raises InputError with the known suffixes."""
    for kind in FORMATS:
        if path.name.lower().endswith(kind.suffixes):
            return kind
    known = ", ".join(suffix for kind in FORMATS for suffix in kind.suffixes)
    raise InputError(f"{path.name!r} does not end in {known}: choose one of these formats.")


def polar(array: np.ndarray) -> np.ndarray:
    """Magnitude and phase in radians of complex numbers, on a first axis, for files that know real numbers only."""
    return np.stack([np.abs(array), np.angle(array)])

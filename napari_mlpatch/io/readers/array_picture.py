"""The one picture among the arrays of a file of arrays: MATLAB, NPZ, NetCDF, HDF5 of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..options import LoadOptions
from .names import key

PICTURE = ("image", "img", "picture", "truth", "groundtruth", "gt", "phantom", "xtrue", "xtruth", "x")
"""Usual names, of which one counts where there are several pictures."""
COLOURS = (3, 4)
TOLD = 8
"""Arrays that a message names."""


def matlab_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of a MATLAB file. Raises InputError, see ``picture_of``."""
    from .matlab import arrays_of

    return picture_of(path, arrays_of(path, LoadOptions())[0], colours_first=True)


def npz_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of an NPZ file. Raises InputError, see ``picture_of``."""
    from .numpy_file import stored_npz

    return picture_of(path, stored_npz(path))


def netcdf_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of a NetCDF file. Raises InputError, see ``picture_of``."""
    from .netcdf import stored_netcdf

    return picture_of(path, stored_netcdf(path))


def hdf5_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of an HDF5 file. Raises InputError, see ``picture_of``."""
    from .h5_tree import read_tree

    tree = read_tree(path)
    image, notes = picture_of(path, tree.arrays)
    return image, [*notes, *tree.notes]


def picture_of(path: Path, arrays: Mapping[str, Stored], colours_first: bool = False) -> tuple[np.ndarray, list[str]]:
    """The only array that is one, ``[rows, columns]`` of real numbers or ``[rows, columns, 3]`` of colours, and notes.

    Of several, the one that has a usual name (``PICTURE``). ``colours_first``: those of integers are in pages
    ``[3, rows, columns]``. Raises InputError that says what there is.
    """
    found = {name: one.squeezed() for name, one in arrays.items() if _is_picture(one.squeezed(), colours_first)}
    named = [name for name in found if key(name.split("/")[-1].split(".")[-1]) in PICTURE]
    chosen = list(found) if len(found) == 1 else named
    if len(chosen) != 1:
        what = f"several pictures: {_told(found)}" if found else f"no picture [rows, columns]: {_told(arrays)}"
        raise InputError(f"{path} holds {what}. Save the one that is meant by itself: np.save(name, array), or a TIFF.")
    (name,) = chosen
    one = found[name]
    values = np.asarray(one.read(()))
    if values.ndim == 3 and colours_first:
        values = np.moveaxis(values, 0, -1)
    notes = [f"the array {name!r}"] * (len(arrays) > 1) + [one.note] * bool(one.note)
    return values, notes


def _is_picture(one: Stored, colours_first: bool) -> bool:
    if one.is_complex or one.is_sparse or min(one.shape, default=0) < 2:
        return False
    if len(one.shape) == 3:
        return one.is_integer and one.shape[0] == 3 if colours_first else one.shape[-1] in COLOURS
    return len(one.shape) == 2


def _told(arrays: Mapping[str, Stored]) -> str:
    listed = [
        f"{name} {list(one.shape)}{' of complex numbers' * one.is_complex}{' (sparse)' * one.is_sparse}"
        for name, one in arrays.items()
    ]
    return ", ".join(listed[:TOLD]) + ", ..." * (len(listed) > TOLD) if listed else "no numbers"

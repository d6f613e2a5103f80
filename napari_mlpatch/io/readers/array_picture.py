"""The one picture among the arrays of a file of arrays: MATLAB, NPZ, NetCDF, HDF5 of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..options import LoadOptions
from ..own import GROUP
from .names import ANGLES, KSPACE, key

COLOURS = 3
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
    """The picture of an HDF5 file of another program. Raises InputError, see ``picture_of``."""
    from .h5_tree import read_tree

    tree = read_tree(path)
    if GROUP in tree.groups:
        raise InputError(f"{path} is a measurement of this program, not a picture.")
    if not any(map(_is_picture, tree.arrays.values())):
        tree.check_alive(tree.dead)
    image, notes = picture_of(path, tree.arrays)
    return image, [*notes, *tree.notes]


def picture_of(path: Path, arrays: Mapping[str, Stored], colours_first: bool = False) -> tuple[np.ndarray, list[str]]:
    """The only array that is one, ``[rows, columns]`` of real numbers or ``[rows, columns, 3]`` of bytes, and notes.

    ``colours_first``: those are in pages ``[3, rows, columns]``. Which of several is meant is not guessed, nor is a
    measurement a picture: raises InputError that says what there is.
    """
    if any(key(name) in (*ANGLES, *KSPACE) for name in arrays):
        raise InputError(f"{path} holds a measurement, not a picture: {_told(arrays)}.")
    found = {name: one.squeezed() for name, one in arrays.items() if _is_picture(one.squeezed(), colours_first)}
    if len(found) != 1:
        what = f"several pictures: {_told(found)}" if found else f"no picture [rows, columns]: {_told(arrays)}"
        raise InputError(f"{path} holds {what}. Save the one that is meant by itself: np.save(name, array), or a TIFF.")
    ((name, one),) = found.items()
    values = np.asarray(one.read(()))
    if values.ndim == 3:
        if values.dtype != np.uint8:
            raise InputError(f"{path} holds three planes of {values.dtype}, {_told(found)}. One picture is needed.")
        values = np.moveaxis(values, 0, -1) if colours_first else values
    notes = [f"the array {name!r}"] * (len(arrays) > 1) + [one.note] * bool(one.note)
    return values, notes


def _is_picture(one: Stored, colours_first: bool = False) -> bool:
    if one.is_complex or one.is_sparse or min(one.shape, default=0) < 2:
        return False
    if len(one.shape) == 3:
        return one.is_integer and one.shape[0 if colours_first else -1] == COLOURS
    return len(one.shape) == 2


def _told(arrays: Mapping[str, Stored]) -> str:
    listed = [
        f"{name} {list(one.shape)}{' of complex numbers' * one.is_complex}{' (sparse)' * one.is_sparse}"
        for name, one in arrays.items()
    ]
    return ", ".join(listed[:TOLD]) + ", ..." * (len(listed) > TOLD) if listed else "no numbers"

"""Groups, arrays and attributes of an HDF5 file that this program wrote, with the errors that a reader expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.errors import InputError

from .arrays import reserve_part
from .guard import check_claim


def group(path: Path, parent: h5py.Group, name: str) -> h5py.Group:
    """The group of that name. Raises InputError when it is missing or something else."""
    found = _item(path, parent, name)
    if not isinstance(found, h5py.Group):
        raise InputError(f"{path} has no group {name!r}. It is incomplete or of another kind.")
    return found


def dataset(path: Path, parent: h5py.Group, name: str) -> h5py.Dataset:
    """The array of that name, not read yet. Raises InputError when it is missing, elsewhere, or impossibly large."""
    found = _item(path, parent, name)
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise InputError(f"{path} has no array {name!r}. It is incomplete or of another kind.")
    if found.external or found.is_virtual:
        raise InputError(f"{path}: the values of {name!r} are in another file, which this program never writes.")
    check_claim(path, name, found.shape, found.dtype.itemsize)
    return found


def array(path: Path, parent: h5py.Group, name: str, index: Any = ()) -> np.ndarray:
    """The array of that name, or the part at an index."""
    found = dataset(path, parent, name)
    reserve_part(found.shape, index, found.dtype.itemsize)
    return np.asarray(found[index])


def attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """The attribute of that name, text as ``str``; None where there is none."""
    value: Any = item.attrs.get(name)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _item(path: Path, parent: h5py.Group, name: str) -> Any:
    """What is under a name, not beyond links to other files."""
    if isinstance(parent.get(name, getlink=True), h5py.ExternalLink):
        raise InputError(f"{path}: {name!r} is a link to another file, which this program never writes.")
    return parent.get(name)

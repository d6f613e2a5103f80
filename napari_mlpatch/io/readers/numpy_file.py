"""NumPy files: NPY with one array, NPZ with several named ones. Never pickled objects."""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of, in_words
from napari_mlpatch.core.errors import InputError

from ..arrays import Stored, reserve_part
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..number_types import is_complex, is_numeric, numbers
from ..options import LoadOptions
from .layout import load_named
from .names import IMAGE_KEY, key

MOST_MEMBERS = 10_000


def load_npy(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram ``[angles, bins]`` or a stack ``[slices, angles, bins]``; large files are not read at once.

    Complex numbers are k-space, see ``kspace``.
    """
    array = open_npy(path)
    if options.dataset is not None:
        raise InputError(f"{path} holds a single array: leave out dataset ({options.dataset!r}).")
    stored = Stored(
        array.shape,
        lambda index: numbers(np.array(array[index])),
        array.dtype.kind in "iu",
        is_complex(array.dtype),
        ranges=True,
    )
    return load_named(path, {"image": stored}, options)


def load_npz(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram or k-space and, under usual names, what belongs to it. See ``names``."""
    return load_named(path, stored_npz(path), options)


def stored_npz(path: Path) -> dict[str, Stored]:
    """The arrays of an NPZ file, of which only the headers are read yet. Raises InputError."""
    arrays = {}
    with reading(path, "NPZ"), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        if len(names) > MOST_MEMBERS:
            raise InputError(f"{path} holds {len(names)} arrays, at most {MOST_MEMBERS} are possible. Save fewer.")
        for name in names:
            array = _stored_member(path, archive, name)
            if array is not None:
                arrays[name.removesuffix(".npy")] = array
    return arrays


def open_npy(path: Path) -> np.ndarray:
    """The array of an NPY file, on disk until it is used. Raises InputError."""
    with reading(path, "NPY"):
        with path.open("rb") as file:
            shape, dtype = _header(file)
            held = path.stat().st_size - file.tell()
        if dtype.hasobject:
            raise InputError(
                f"{path} holds Python objects, which could run programs and are not read. Save numbers: "
                "np.save(name, np.array(values, dtype=float))."
            )
        if bytes_of(shape, dtype.itemsize) > held:
            raise InputError(
                f"{path} breaks off: it says that it holds an array of shape {list(shape)}, but after that come "
                f"{in_words(held)} only."
            )
        array = np.lib.format.open_memmap(path, mode="r")
        if not is_numeric(array.dtype):
            raise InputError(f"{path} holds {array.dtype}, not numbers.")
        return array


def read_npy(path: Path) -> np.ndarray:
    """The whole array of an NPY file, in memory. Raises InputError."""
    array = open_npy(path)
    reserve_part(array.shape, (), array.dtype.itemsize)
    with reading(path, "NPY"):
        return np.array(array)


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array that follows."""
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(file)
    return shape, dtype


def _stored_member(path: Path, archive: zipfile.ZipFile, name: str) -> Stored | None:
    """One array of an archive, None where it holds no numbers."""
    size = archive.getinfo(name).file_size
    check_claim(path, name, (size,), 1)
    with archive.open(name) as member:
        shape, dtype = _header(member)
    if not is_numeric(dtype) and not (dtype.kind in "SU" and key(name.removesuffix(".npy")) in IMAGE_KEY):
        return None
    check_claim(path, name, shape, dtype.itemsize)

    @functools.lru_cache(maxsize=1)  # compressed arrays are read as a whole
    def whole() -> np.ndarray:
        reserve_part(shape, (), dtype.itemsize)
        with reading(path, "NPZ"), zipfile.ZipFile(path) as opened, opened.open(name) as member:
            return numbers(np.lib.format.read_array(member, allow_pickle=False))

    held = bytes_of(shape, dtype.itemsize)
    return Stored(shape, lambda index: whole()[index], dtype.kind in "iu", is_complex(dtype), ranges=True, held=held)

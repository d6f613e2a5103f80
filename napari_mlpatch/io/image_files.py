"""Images: results with their recipe, and pictures of any kind to simulate from."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile

from napari_mlpatch.core.arguments import is_number
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.luminance import NOTE, luminance

from . import h5
from .formats import HEAD, formats, is_tiff
from .guard import existing_file, reading
from .own import NOTES_PART, NOTES_TAG, POLAR, RECIPE, notes_for, sha256_of
from .picture import open_picture
from .precision import check_finite, to_complex64, to_float32
from .readers.fits import fits_image, fits_notes, is_fits
from .readers.numpy_file import read_npy
from .readers.tiff import open_tiff, stored_tiff


def read_image(path: str | os.PathLike[str]) -> tuple[np.ndarray, dict[str, Any] | None]:
    """An image (float32, or complex64) and its recipe, None where the file has none. Values are not rescaled.

    Raises InputError for files that are missing, damaged or of another kind.
    """
    path = existing_file(path)
    kind = _kind(path)
    if kind == "tiff":
        stored = stored_tiff(path)
        about = _about_file(path, kind)
        return _as_written(_pixels(path, stored.read(())), about), about.get(RECIPE)
    if kind == "npy":
        return _pixels(path, read_npy(path)), _about_file(path, kind).get(RECIPE)
    if kind == "hdf5" and _has_image(path):
        with reading(path, "an image of this program"), h5py.File(path, "r") as file:
            array = _pixels(path, h5.array(path, file, "image"))
        return array, _about_file(path, kind).get(RECIPE)
    if kind == "fits":
        about = _about_file(path, kind)
        if about:
            return _as_written(_pixels(path, fits_image(path)), about), about.get(RECIPE)
    return image_from_file(path)[0], None


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The recipe of an image that this program wrote, None for all other files; the pixels are not read.

    Raises InputError for files that are missing or damaged.
    """
    path = existing_file(path)
    return _about_file(path, _kind(path)).get(RECIPE)


def read_pixel_size(path: str | os.PathLike[str]) -> tuple[float | None, str | None]:
    """The side of a pixel and its unit, as ``write_image`` noted them; None where nothing was noted.

    Raises InputError for files that are missing or damaged.
    """
    path = existing_file(path)
    about = _about_file(path, _kind(path))
    size: Any = about.get("pixel_size")
    unit = about.get("unit")
    return (float(size) if is_number(size) and 0 < size < math.inf else None), unit if isinstance(unit, str) else None


def read_numbers(path: str | os.PathLike[str]) -> np.ndarray:
    """The numbers of a TIFF or NPY file of any shape, in the type in which they are stored; of others, the image's.

    Raises InputError like ``read_image``.
    """
    path = existing_file(path)
    kind = _kind(path)
    if kind == "tiff" and stored_tiff(path).is_integer:
        return stored_tiff(path).read(())
    if kind == "npy":
        array = read_npy(path)
        if array.dtype.kind in "iu":
            return array
    return read_image(path)[0]


def image_from_file(path: str | os.PathLike[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """A picture to simulate from: float32 ``[rows, columns]`` and notes on what was done to it.

    PNG, JPEG and the like (8 or 16 bits) become 0..1; others keep their values. Colour becomes grey: Rec. 709. Of files
    of arrays (NPZ, MATLAB, HDF5, NetCDF) it is the only one that can be a picture.
    Raises InputError for files that are missing, damaged, of another kind or not two-dimensional.
    """
    path = existing_file(path)
    kind = _kind(path)
    if kind == "hdf5" and _has_image(path):
        return _grey(path, read_image(path)[0], [])
    if kind == "npy":
        return _grey(path, read_npy(path), [])
    if kind == "tiff":
        tiff = open_tiff(path)
        return _grey(path, tiff.stored.read(()), list(tiff.notes))
    if kind == "fits":
        return _grey(path, fits_image(path), [])
    for other in formats():
        if other.picture and not other.folders and other.sniff(path, _head(path)):
            return _grey(path, *other.open_picture(path))
    array, seen = open_picture(path)
    notes = list(seen)
    if array.dtype.kind in "iu":
        top = 255 if array.dtype == np.uint8 else 65535
        notes.append(f"values divided by {top}, so that they lie between 0 and 1")
        image, notes = _grey(path, array, notes)
        return image / np.float32(top), notes
    return _grey(path, array, notes)


def _head(path: Path) -> bytes:
    with reading(path, "an image"), path.open("rb") as file:
        return file.read(HEAD)


def _kind(path: Path) -> str:
    head = _head(path)
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if is_tiff(path, head):
        return "tiff"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if head.startswith(b"SIMPLE  ") or is_fits(path, head):
        return "fits"
    return "picture"


def _has_image(path: Path) -> bool:
    """Whether an HDF5 file is one that this program wrote, or is arranged like it."""
    with reading(path, "an image"), h5py.File(path, "r") as file:
        return isinstance(file.get("image"), h5py.Dataset)


def _about_file(path: Path, kind: str) -> dict[str, Any]:
    """What ``write_image`` noted in or beside a file; nothing for files of other programs."""
    if kind == "tiff":
        with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
            tags: Any = file.pages[0].tags  # type: ignore[union-attr]
            return _about(tags.valueof(NOTES_TAG)) or _about(tags.valueof("ImageDescription"))
    if kind == "npy":
        with suppress(OSError, ValueError, RecursionError):  # no notes, or those of another program
            return _ours(notes_for(path, sha256_of(path)))
    if kind == "hdf5":
        with reading(path, "an image of this program"), h5py.File(path, "r") as file:
            return _about(h5.array(path, file, "about").tobytes().decode()) if "about" in file else {}
    if kind == "fits":
        return _about(fits_notes(path, NOTES_PART))
    return {}


def _as_written(array: np.ndarray, about: dict[str, Any]) -> np.ndarray:
    """With the axes that files of pages do not tell, and complex again."""
    shape = about.get("shape", [])
    if len(shape) > 3 and all(isinstance(n, int) and n > 0 for n in shape) and math.prod(shape) == array.size:
        array = array.reshape(shape)
    if about.get(POLAR) and array.ndim > 2 and len(array) == 2:
        array = (array[0] * np.exp(1j * array[1])).astype(np.complex64)
    return array


def _about(text: Any) -> dict[str, Any]:
    """What ``write_image`` noted; nothing for the notes of other programs."""
    try:
        return _ours(json.loads(text))
    except (TypeError, ValueError, RecursionError):
        return {}


def _ours(about: Any) -> dict[str, Any]:
    ours = isinstance(about, dict) and isinstance(about.get(RECIPE, 0), dict | None)
    return about if ours and isinstance(about.get("shape", []), list) else {}


def _pixels(path: Path, array: np.ndarray) -> np.ndarray:
    if array.ndim < 2 or array.size == 0:
        raise InputError(f"{path} holds an array of shape {list(array.shape)}, not an image with rows and columns.")
    return to_complex64(array) if np.iscomplexobj(array) else to_float32(array)


def _grey(path: Path, array: np.ndarray, notes: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    array = np.squeeze(array)
    if array.ndim == 3 and array.shape[-1] in (3, 4):
        array = luminance(array if array.dtype.kind in "biu" else to_float32(array))
        notes.append(NOTE)
    if array.ndim != 2 or min(array.shape) < 2:
        raise InputError(f"{path} holds an array of shape {list(array.shape)}. One two-dimensional image is needed.")
    image = to_float32(array)
    check_finite(image, path.name)
    return image, tuple(notes)

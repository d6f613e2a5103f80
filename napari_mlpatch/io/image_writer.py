"""Writing pictures with their recipe."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile

from napari_mlpatch.core.arguments import is_number
from napari_mlpatch.core.errors import InputError

from .arrays import to_complex64, to_float32
from .atomic import check_writable, replacing
from .image_files import POLAR
from .own import RECIPE, SEAL, blank_seal, notes_for, sha256_of


def write_image(
    path: str | os.PathLike[str],
    x: Any,
    recipe: Mapping[str, Any] | None = None,
    *,
    pixel_size: float | None = None,
    unit: str | None = None,
    force: bool = False,
) -> None:
    """Write an image, values untouched, as .tif (float32), .npy (with a .json beside it) or .h5, with its recipe.

    ``x`` is a tensor or array ``[rows, columns]``, also with leading axes; those of length one are dropped.
    ``recipe`` is plain JSON. ``pixel_size`` in ``unit`` is noted where it is known. The file is complete or not there.
    A TIFF of complex values has the magnitude as its first page(s) and the phase, in radians, as its last; they are
    complex again when ``read_image`` reads them. Raises InputError when it cannot be written, when x is empty, and,
    without ``force``, where a file is there that is not a picture as this program wrote it.
    """
    target = check_writable(path, force=force)
    array = _numbers(x)
    if not isinstance(unit, str | None):
        raise InputError(f"The unit of the pixel size is a text such as 'mm', got {type(unit).__name__}.")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim < 2 or array.size == 0:
        raise InputError(f"An image has rows and columns, this array has shape {list(array.shape)}.")
    suffix = target.suffix.lower()
    if pixel_size is not None and not (is_number(pixel_size) and 0 < pixel_size < math.inf):
        raise InputError(f"The pixel size must be positive, got {pixel_size}.")
    array = to_complex64(array) if np.iscomplexobj(array) else to_float32(array)
    try:
        recipe = None if recipe is None else json.loads(json.dumps(dict(recipe)))
    except (TypeError, ValueError) as error:
        raise InputError(f"The recipe is not plain JSON: {error}.") from error
    about = {SEAL: blank_seal("picture"), RECIPE: recipe, "pixel_size": pixel_size, "unit": unit}
    if suffix in (".tif", ".tiff"):
        if np.iscomplexobj(array):
            array = np.stack([np.abs(array), np.angle(array)])
            about |= {POLAR: True}
        _write_tiff(target, array, about, force)
    elif suffix == ".npy":
        _write_npy(target, array, about, force)
    else:
        with replacing(target, force=force) as temporary:
            temporary.write_bytes(hdf5_content(array, about))


def hdf5_content(array: np.ndarray, about: Mapping[str, Any], more: Mapping[str, np.ndarray] | None = None) -> Any:
    """The bytes of an HDF5 file of a picture and its notes, with ``more`` arrays by their names."""
    notes = {key: value for key, value in about.items() if key != SEAL}
    content = io.BytesIO()  # on a full disk, HDF5 ends the whole process
    with h5py.File(content, "w") as file:
        file.attrs[SEAL] = np.bytes_(about[SEAL])
        file.create_dataset("image", data=array, compression="gzip", shuffle=True)
        file.create_dataset("about", data=np.frombuffer(json.dumps(notes).encode(), np.uint8))
        for name, values in (more or {}).items():
            packed = {"compression": "gzip", "shuffle": True} if values.size > 1 else {}
            file.create_dataset(name, data=values, **packed)
    return content.getbuffer()


def _numbers(x: Any) -> np.ndarray:
    try:
        array = np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x)
    except Exception as error:  # of objects, ragged lists, tensors without values
        raise InputError(f"An image is an array of numbers, got {type(x).__name__} ({error!s:.100}).") from None
    if array.dtype.kind not in "biufc":
        raise InputError(f"An image is an array of numbers, got one of {array.dtype}.")
    return array


def _write_npy(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    """The array, and its notes beside it. A kill in between leaves notes that fit the old array and the new one."""
    beside, old = target.with_suffix(".json"), {}
    with suppress(OSError, ValueError, RecursionError):
        old = notes_for(target, sha256_of(target))
    with replacing(target, force=force) as temporary:
        with temporary.open("wb") as file:
            np.save(file, array)
        about["sha256"] = sha256_of(temporary)
        _write_json(beside, about | ({"before": old} if old else {}), force)
    if old:
        _write_json(beside, about, force)


def _write_json(path: Path, about: dict[str, Any], force: bool) -> None:
    with replacing(path, (".json",), force=force) as temporary:
        temporary.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _write_tiff(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    resolution, unit = None, None
    per_cm = {"m": 0.01, "cm": 1.0, "mm": 10.0, "um": 1e4, "µm": 1e4, "nm": 1e7}
    per_cm |= {"meter": 0.01, "centimeter": 1.0, "millimeter": 10.0, "micrometer": 1e4, "nanometer": 1e7}
    if about["pixel_size"] and about["unit"] in per_cm:
        resolution, unit = (per_cm[about["unit"]] / about["pixel_size"],) * 2, "CENTIMETER"
    with replacing(target, force=force) as temporary:
        tifffile.imwrite(
            temporary,
            array,
            photometric="minisblack",
            description=json.dumps({**about, "shape": array.shape}),
            metadata=None,
            resolution=resolution,
            resolutionunit=unit,
        )

"""NetCDF files of the classic format, version 3. Those of version 4 are HDF5, and read as such.

Format: R. Rew et al., "The NetCDF Classic Format Specification", Unidata.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored, reserve_part
from ..guard import reading
from ..measurement import Measurement
from ..options import LoadOptions
from ..packing import FILL, packing_of
from .layout import load_named

MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
UNWRITTEN = {"i2": -32767.0, "i4": -2147483647.0, "f4": float(np.float32(9.969209968386869e36))}
UNWRITTEN["f8"] = 9.969209968386869e36
"""What the library fills places with that were never written; bytes have no such value."""


def is_netcdf(path: Path, head: bytes) -> bool:
    return head.startswith(MAGIC)


def load_netcdf(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram and what belongs to it, under usual names; packed numbers are unpacked. Raises InputError."""
    return load_named(path, stored_netcdf(path), options)


def stored_netcdf(path: Path) -> dict[str, Stored]:
    """The arrays of numbers of a NetCDF file, which are read when they are used. Raises InputError."""
    with path.open("rb") as file:
        if file.read(4) == MAGIC[-1]:
            raise InputError(
                f"{path} is a NetCDF file of the 64-bit data format (CDF-5), which is not read. Convert it: "
                "nccopy -k nc4 IN.nc OUT.nc"
            )
    arrays = _opened(path, lambda file: {name: _stored(path, name, found) for name, found in file.variables.items()})
    return {name: stored for name, stored in arrays.items() if stored is not None}


def _opened(path: Path, use: Callable[[Any], Any]) -> Any:
    """Of the file, from which nothing may be kept that is not a copy."""
    from scipy.io import netcdf_file

    with reading(path, "NetCDF"), netcdf_file(path, "r", mmap=True) as file:
        return use(file)


def _stored(path: Path, name: str, variable: Any) -> Stored | None:
    """An array, read from the file that is opened anew for each reading; None where it holds no numbers."""
    kind: np.dtype = variable.data.dtype
    if kind.kind not in "iuf":
        return None
    shape, dimensions = tuple(int(n) for n in variable.data.shape), tuple(variable.dimensions)
    attributes = {key: _plain(value) for key, value in variable._attributes.items()}
    if FILL not in attributes and kind.str[1:] in UNWRITTEN:
        packing = packing_of({**attributes, FILL: UNWRITTEN[kind.str[1:]]}.get, name)
        told = packing_of(attributes.get, name)
    else:
        packing = told = packing_of(attributes.get, name)

    def read(index: Any) -> np.ndarray:
        reserve_part(shape, index, kind.itemsize)
        values = _opened(path, lambda file: np.array(file.variables[name].data[index]))
        values = values.astype(kind.newbyteorder("="), copy=False)
        return values if packing is None else packing.unpacked(values)

    return Stored(
        shape,
        read,
        kind.kind in "iu" and not (told is not None and told.is_scaled),
        identity=name,
        attribute=attributes.get,
        labels=lambda: tuple(label.lower() for label in dimensions),
        ranges=True,
        note="" if told is None else told.note(name),
    )


def _plain(value: Any) -> Any:
    """An attribute as text or a number where it is one."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\0")
    value = np.asarray(value)
    return value.item() if value.size == 1 else value

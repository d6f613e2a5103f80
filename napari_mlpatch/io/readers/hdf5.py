"""HDF5: Data Exchange files of synchrotron beamlines, k-space, plain ones, and a door to the project's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.errors import InputError

from .. import h5
from ..angles import to_degrees
from ..arrays import Stored, slices
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from ..problem_file import GROUP, load_problem
from .kspace import KSPACE, load_kspace_hdf5
from .named import counts_note, measurement_from

COUNTS = ("counts", "Counts", "count")


def load_hdf5(path: Path, options: LoadOptions) -> Measurement:
    """Read an HDF5 file of any supported layout. Raises InputError."""
    with reading(path, "HDF5"):
        with h5py.File(path, "r") as file:
            own, exchange, kspace = GROUP in file, "exchange/data" in file, KSPACE in file
        if own and options.dataset is None:
            return load_problem(path)
        if exchange and options.dataset is None:
            return load_exchange(path, options)
        if kspace and options.dataset in (None, KSPACE) and options.angle_axis is None:
            return load_kspace_hdf5(path)
        return measurement_from(path, stored_arrays(path), options)


def load_exchange(path: Path, options: LoadOptions) -> Measurement:
    """Data Exchange (De Carlo et al., J. Synchrotron Rad. 21, 2014): ``/exchange/data`` ``[theta, y, x]`` and more.

    Only the slices asked for are read. Counts with a white field are taken as such; without one they count as line
    integrals unless their units are counts.
    """
    with h5py.File(path, "r") as file:
        exchange = h5.group(path, file, "exchange")
        arrays = {name: _stored(path, item) for name, item in exchange.items() if _is_numeric(item)}
        if "data" not in arrays:
            raise InputError(f"{path}: /exchange/data does not hold numbers.")
        unit = h5.attribute(h5.dataset(path, exchange, "theta"), "units") if "theta" in arrays else None
        # Text is read only where it matters: the library can hang on a damaged heap of texts.
        counts = "data_white" in arrays or h5.attribute(h5.dataset(path, exchange, "data"), "units") in COUNTS
    data = arrays["data"]
    if len(data.shape) not in (2, 3):
        raise InputError(f"{path}: /exchange/data has shape {list(data.shape)}, expected [theta, y, x].")
    axis = options.angle_axis or ("pages" if len(data.shape) == 3 else "rows")
    stack = slices(data, axis)
    notes = [f"Data Exchange file: {stack.shape[0]} slice(s), {stack.shape[1]} angles, {stack.shape[2]} bins"]
    if stack.shape[0] > 1:
        notes.append(f"slice {stack.shape[0] // 2} (the middle one) is taken unless you choose")
    angles = None
    if "theta" in arrays:
        angles, note = to_degrees(arrays["theta"].read(()), unit, f"/exchange/theta of {path.name}", options.angle_unit)
        notes.append(note)
    flat, dark = (
        slices(arrays[name], "pages" if len(arrays[name].shape) == 3 else "rows") if name in arrays else None
        for name in ("data_white", "data_dark")
    )
    if counts and flat is None:
        notes.append("detector counts without a flat field")
    else:
        notes.append(counts_note(counts, data.is_integer))
    return Measurement(
        data=stack,
        path=path,
        angles_deg=angles,
        flat=flat,
        dark=dark,
        is_counts=counts,
        notes=tuple(notes),
    )


def stored_arrays(path: Path) -> dict[str, Stored]:
    """All arrays of numbers in an HDF5 file by their full names, not read yet."""
    arrays: dict[str, Stored] = {}

    def visit(name: str, item: Any) -> None:
        if _is_numeric(item):
            arrays[name] = _stored(path, item)

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return arrays


def _is_numeric(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and item.shape is not None


def _stored(path: Path, item: h5py.Dataset) -> Stored:
    name = str(item.name)
    check_claim(path, name, item.shape, item.dtype.itemsize)

    def read(index: Any) -> np.ndarray:
        with reading(path, "HDF5"), h5py.File(path, "r") as file:
            return h5.array(path, file, name, index)

    return Stored(item.shape, read, item.dtype.kind in "iu")

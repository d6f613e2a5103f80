"""MATLAB files (.mat, versions 5 to 7.3), among them the scans of the Helsinki Tomography Challenge."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import reading
from ..measurement import Measurement
from ..options import LoadOptions
from .cells import joined_cells
from .h5_found import Tree
from .h5_tree import read_tree
from .hdf5 import check_alive
from .layout import load_named
from .mat5 import read_mat5
from .names import find, key
from .sparse import COMPANIONS, Sparse, candidates

Values = dict[str, Stored | str]


def load_matlab(path: Path, options: LoadOptions) -> Measurement:
    """Read a MATLAB file. Fields of structs are named like ``scan.parameters.angles``.

    A struct with distanceSourceOrigin and distanceSourceDetector is a fan-beam scan. Raises InputError.
    """
    with reading(path, "a MATLAB file"):
        arrays, values, notes = arrays_of(path, options)
        arrays, left = candidates(arrays, options.dataset)
        measurement = _named(path, arrays, options, left)
        if any(array.is_sparse and key(name) not in COMPANIONS for name, array in arrays.items()):
            measurement.data[0]  # tells now that it is damaged or too large
        measurement = dataclasses.replace(measurement, notes=(*measurement.notes, *notes))
        return _with_fan(measurement, values, arrays)


def arrays_of(path: Path, options: LoadOptions) -> tuple[dict[str, Stored], Values, list[str]]:
    """The arrays of a MATLAB file by name, the same with its texts, and notes. Raises InputError."""
    values, notes = _read_73(path, options) if h5py.is_hdf5(path) else (_read_5(path), [])
    values, more = joined_cells(values)
    return {name: one for name, one in values.items() if isinstance(one, Stored)}, values, [*more, *notes]


def _named(path: Path, arrays: Mapping[str, Stored], options: LoadOptions, left: str) -> Measurement:
    """Among these arrays, with a word on the sparse matrices that were left out, if any."""
    if not left:
        return load_named(path, arrays, options)
    try:
        found = load_named(path, arrays, options)
    except InputError as error:
        if options.dataset in arrays:
            raise
        hint = f"Sparse matrices, as systems of equations are kept, do not count unless they are named: {left}."
        raise InputError(f"{error} {hint}") from None
    note = f"not looked at are sparse matrices, as systems of equations are kept: {left} (option dataset)"
    return dataclasses.replace(found, notes=(*found.notes, note))


def _with_fan(measurement: Measurement, values: Values, arrays: Mapping[str, Stored]) -> Measurement:
    """The same with the geometry of its fan beam, where the file describes one."""

    def number(*names: str) -> float | None:
        found = find(arrays, names)
        return None if found is None else float(np.asarray(arrays[found].read(())).ravel()[0])

    if measurement.kind == "mri-cartesian":
        return measurement
    to_center, to_detector = number("distancesourceorigin"), number("distancesourcedetector")
    if to_center is None or to_detector is None:
        return measurement
    pitch = number("pixelsizepost", "detectorpitch", "pixelsize")
    if pitch is None or not 0 < to_center < to_detector or not pitch > 0:
        raise InputError(
            f"{measurement.path} describes a fan beam with distances {to_center} from the source to the centre, "
            f"{to_detector} to the detector, and pixels of {pitch}: all must be positive, the first less than the next."
        )
    found = find(values, ("distanceunit",))
    text = values[found] if found is not None else ""
    unit = text if isinstance(text, str) else ""
    return dataclasses.replace(
        measurement,
        kind="fan-beam",
        geometry={"detector_pitch": pitch, "source_to_axis": to_center, "source_to_detector": to_detector},
        unit=unit,
        notes=(
            *measurement.notes,
            f"fan beam: source to centre {to_center:g}, to detector {to_detector:g}, bins of {pitch:g} {unit}",
        ),
    )


def _read_5(path: Path) -> Values:
    values: Values = {}
    for name, value in read_mat5(path).items():
        if isinstance(value, np.ndarray):  # MATLAB's pages are the last axis, ours the first
            values[name] = Stored.of(_pages_first(value))
        elif isinstance(value, Sparse):
            values[name] = value.stored()
        else:
            values[name] = value
    return values


def _read_73(path: Path, options: LoadOptions) -> tuple[Values, list[str]]:
    """Version 7.3 is HDF5 with all axes reversed; text is numbers, structs are groups. Also notes."""
    values: Values = {}
    tree = read_tree(path, options.outside_links, hidden="#")
    values.update(_sparse(path, tree))
    check_alive(tree, options)
    for name, stored in tree.arrays.items():
        if stored.attribute("MATLAB_class") == "char":
            codes = np.asarray(stored.read(())).ravel()
            values[name.replace("/", ".")] = "".join(chr(code) for code in codes if 0 < code < 0x110000)
        else:
            values[name.replace("/", ".")] = _turned(stored)
    return values, tree.notes


def _sparse(path: Path, tree: Tree) -> dict[str, Stored]:
    """Sparse matrices, taken out of the tree: groups of row indices, the first entry of each column, and values."""
    found = {}
    for name in [name for name in tree.groups if name and f"{name}/jc" in tree.arrays]:
        rows = tree.group_attribute(name, "MATLAB_sparse")
        if isinstance(rows, int | np.integer):
            variable = name.replace("/", ".")
            found[variable] = _compressed(f"{path}: the MATLAB variable {variable!r}", tree, name, int(rows)).stored()
    return found


def _compressed(what: str, tree: Tree, group: str, rows: int) -> Sparse:
    names = [f"{group}/{part}" for part in ("ir", "jc", "data")]
    dead = [f"{what}: {name!r} {tree.dead.pop(name)}" for name in names if name in tree.dead]
    ir, jc, data = (tree.arrays.pop(name, None) for name in names)

    def parts() -> list[np.ndarray]:
        if dead:
            raise InputError(dead[0])
        return [np.zeros(0) if part is None else np.asarray(part.read(())).ravel() for part in (ir, jc, data)]

    columns = max(math.prod(jc.shape) - 1, 0) if jc is not None else 0
    return Sparse(
        what,
        (rows, columns),
        parts,
        is_integer=data is not None and data.is_integer,
        is_complex=data is not None and data.is_complex,
    )


def _turned(stored: Stored) -> Stored:
    """The last two axes of the file are columns and rows."""
    count = len(stored.shape)

    def read(index: Any) -> np.ndarray:
        if count < 3:
            return stored.read(()).T[index]
        parts = (*(index if isinstance(index, tuple) else (index,)), *[slice(None)] * count)[:count]
        values = stored.read((*parts[:-2], parts[-1], parts[-2]))
        return values if any(isinstance(part, int) for part in parts[-2:]) else values.swapaxes(-1, -2)

    shape = stored.shape
    shape = (*shape[:-2], shape[-1], shape[-2]) if count > 1 else shape
    pieces = (*stored.pieces[:-2], *stored.pieces[:-3:-1])
    return Stored(shape, read, stored.is_integer, stored.is_complex, pieces=pieces, itemsize=stored.itemsize)


def _pages_first(array: np.ndarray) -> np.ndarray:
    """MATLAB's ``[rows, columns, pages, more]`` as ``[more, pages, rows, columns]``."""
    order = (*reversed(range(2, array.ndim)), 0, 1)
    return array.transpose(order) if array.ndim > 2 else array

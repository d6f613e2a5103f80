"""K-space of Cartesian MRI scans: complex NPY files, and HDF5 files laid out like those of fastMRI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from .. import h5
from ..arrays import Slices, check_finite
from ..guard import reading
from ..measurement import Measurement
from ..options import given, problem_options

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

KSPACE = "kspace"


@dataclass(frozen=True, eq=False, kw_only=True)
class KSpace(Measurement):
    """The slices of a scan: ``read(i)`` gives slice i, complex ``[coils, rows, columns]``.

    ``mask`` tells what was measured, ``[rows, columns]``; None: what is not zero. ``data`` are pictures of it.
    """

    read: Callable[[int], np.ndarray]
    mask: np.ndarray | None = None

    def problem(self, **options: Any) -> Problem:
        """The reconstruction problem of one slice, by default the middle one, with an ``MRICartesian`` operator.

        Several coils get sensitivities from the fully sampled centre of k-space (``estimate_sensitivities``). Raises
        InputError for other options, slices that do not exist, NaN and infinite values, empty and unusable k-space.
        """
        slice = options.get("slice")
        others = [name for name in given(problem_options(options)) if name != "slice"]
        if others:
            raise InputError(f"The option(s) {', '.join(others)} do not apply to k-space; only slice does.")
        count = len(self.data)
        index = count // 2 if slice is None else slice
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < count:
            raise InputError(f"Slices of k-space are taken one at a time, from 0 to {count - 1}, got {slice!r}.")
        if self.stored is not None and slice is None:
            return self.stored
        with reading(self.path, "k-space"):
            kspace = np.ascontiguousarray(self.read(int(index)), dtype=np.complex64)
        return kspace_problem(kspace, self.mask, self.path, self.source({} if slice is None else {"slice": int(index)}))


def kspace_problem(kspace: np.ndarray, mask: np.ndarray | None, path: Path, source: dict[str, Any]) -> Problem:
    """The problem of one slice ``[coils, rows, columns]`` complex64."""
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.operators.coil_maps import estimate_sensitivities, mask_of
    from napari_mlpatch.operators.mri_cartesian import MRICartesian

    check_finite(kspace, f"The k-space of {path.name} [coil, row, column]")
    measured = mask_of(kspace)
    mask = measured if mask is None else mask
    if not (mask & measured).any():
        raise InputError(f"The k-space of {path.name} is zero everywhere: nothing was measured.")
    maps = None if len(kspace) == 1 else Array(estimate_sensitivities(kspace, mask))
    rows, columns = mask.shape
    A = MRICartesian(image_shape=(rows, columns), mask="custom", mask_values=Array(mask), sensitivities=maps)
    return Problem(A, torch.from_numpy(kspace * mask), source=source)


def load_kspace_npy(path: Path, array: np.ndarray) -> KSpace:
    """K-space ``[rows, columns]`` of one coil, or ``[coils, rows, columns]``."""
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise InputError(
            f"{path} holds complex numbers of shape {list(array.shape)}. K-space is [rows, columns] or "
            "[coils, rows, columns]; a stack of slices goes into an HDF5 file as kspace [slices, coils, rows, columns]."
        )
    shape = (1, *array.shape) if array.ndim == 2 else array.shape
    return _measurement(path, 1, lambda i: np.array(array).reshape(shape), None, "complex numbers, taken as k-space")


def load_kspace_hdf5(path: Path) -> KSpace:
    """``kspace`` ``[slices, coils, rows, columns]`` or, of a single coil, ``[slices, rows, columns]``.

    ``mask``, where there is one, holds a value for each column, or for each row and column. As in fastMRI (Zbontar et
    al., arXiv:1811.08839). Only the slices that are asked for are read.
    """
    with reading(path, "k-space"), h5py.File(path, "r") as file:
        dataset = h5.dataset(path, file, KSPACE)
        shape, kind = dataset.shape, dataset.dtype.kind
        mask = h5.array(path, file, "mask") != 0 if "mask" in file else None
    if kind != "c" or len(shape) not in (3, 4) or 0 in shape:
        raise InputError(
            f"{path}: kspace holds {kind!r} numbers of shape {list(shape)}; complex [slices, coils, rows, columns] or "
            "[slices, rows, columns] is needed."
        )
    if mask is not None:
        mask = mask.squeeze()
        if mask.shape not in (shape[-2:], shape[-1:]):
            raise InputError(f"{path}: mask has shape {list(mask.shape)}, but k-space has {list(shape[-2:])}.")
        mask = np.broadcast_to(mask, shape[-2:]).copy()

    def read(index: int) -> np.ndarray:
        with reading(path, "k-space"), h5py.File(path, "r") as file:
            part = h5.array(path, file, KSPACE, index)
        return part if part.ndim == 3 else part[None]

    return _measurement(path, shape[0], read, mask, "k-space laid out as in fastMRI")


def _measurement(
    path: Path, count: int, read: Callable[[int], np.ndarray], mask: np.ndarray | None, found: str
) -> KSpace:
    middle = count // 2
    with reading(path, "k-space"):
        kspace = np.ascontiguousarray(read(middle), dtype=np.complex64)
    stored = kspace_problem(kspace, mask, path, {"kind": "file", "path": str(path), "options": {}})
    sampled = stored.A.sampled
    assert sampled is not None
    coils, rows, columns = kspace.shape
    share = 100 * float(sampled.float().mean())
    notes = [
        f"{found}: {coils} coil(s), {rows} rows x {columns} columns, {share:.3g} % measured, "
        f"zero frequency at row {rows // 2}, column {columns // 2}"
    ]
    size = np.linalg.norm(kspace, axis=0)
    row, column = np.unravel_index(size.argmax(), size.shape)
    if abs(row - rows // 2) > rows // 4 or abs(column - columns // 2) > columns // 4:
        notes.append(
            f"the largest value is at row {row}, column {column}: is zero frequency there? Then apply fftshift"
        )
    if coils > 1:
        notes.append("coil sensitivities estimated from the fully sampled centre (ESPIRiT)")
    if count > 1:
        notes.append(f"{count} slices, of which {middle} (the middle one) is taken unless you choose")
    data = Slices((count, rows, columns), lambda i: picture(read(i)))
    return KSpace(data=data, path=path, kind="mri-cartesian", notes=tuple(notes), stored=stored, read=read, mask=mask)


def picture(kspace: np.ndarray) -> np.ndarray:
    """``log(1 + 1000 |k| / max |k|)``, |k| the root sum of squares over coils, float32 ``[rows, columns]``."""
    size = np.linalg.norm(kspace, axis=0)
    return np.log1p(1e3 * size / max(float(size.max()), 1e-30)).astype(np.float32)

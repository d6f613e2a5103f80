"""MATLAB's sparse matrices, in compressed columns: expanded only where they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from .names import ANGLES, CENTER, DARK, FLAT, KSPACE, MASK, SINOGRAM, key, listed

COMPANIONS = frozenset((*ANGLES, *CENTER, *FLAT, *DARK, *MASK))
"""Usual names of what belongs to a measurement."""


@dataclass(frozen=True)
class Sparse:
    """A matrix ``[rows, columns]``, of which ``what`` begins messages.

    ``parts()`` gives the row of each entry, the first entry of each column, and the values, real and, in an array of
    their own, imaginary ones.
    """

    what: str
    shape: tuple[int, ...]
    parts: Callable[[], Sequence[np.ndarray]]
    is_integer: bool = False
    is_complex: bool = False

    def full(self) -> np.ndarray:
        """All values. Raises InputError where the parts do not fit together, or the values are too many."""
        try:
            rows, starts, *values = self.parts()
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"{self.what} is a sparse matrix that cannot be read: {error}. It is damaged.") from error
        return _full(self.what, self.shape, rows, starts, values)

    def stored(self) -> Stored:
        return Stored(
            self.shape, lambda index: self.full()[index], self.is_integer, self.is_complex, ranges=True, is_sparse=True
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.full() if dtype is None else self.full().astype(dtype)


def candidates(arrays: Mapping[str, Stored], dataset: str | None) -> tuple[dict[str, Stored], str]:
    """The arrays without the sparse matrices that stand beside a measurement, as its system matrix does.

    A sparse one counts where it is the ``dataset``, where it has a usual name that no other array has, and where there
    is no other array. Also the others in words, "" where there are none.
    """
    dense = {name: array for name, array in arrays.items() if not array.is_sparse}
    alone = not any(_axes(array) > 0 and key(name) not in COMPANIONS for name, array in dense.items())
    is_kspace = any(array.is_complex or key(name).startswith(KSPACE) for name, array in dense.items())
    roles: list[tuple[frozenset[str], int]] = [
        (frozenset((*SINOGRAM, *KSPACE)), 2),
        *((frozenset(names), 1) for names in (ANGLES, FLAT, DARK, MASK if is_kspace else ())),
    ]
    usual = {
        name
        for names, axes in roles
        if not any(key(name) in names and _axes(array) >= axes for name, array in dense.items())
        for name in arrays
        if key(name) in names
    }
    asked = {dataset, (dataset or "").strip("/")}
    left = {name: array.shape for name, array in arrays.items() if name not in dense}
    left = {name: shape for name, shape in left.items() if not alone and name not in usual and name not in asked}
    return {name: array for name, array in arrays.items() if name not in left}, listed(left) if left else ""


def _axes(array: Stored) -> int:
    """Of more than one entry, none for empty arrays."""
    return 0 if 0 in array.shape else len([n for n in array.shape if n != 1])


def _full(
    what: str, shape: tuple[int, ...], rows: np.ndarray, starts: np.ndarray, values: list[np.ndarray]
) -> np.ndarray:
    rows, starts = np.asarray(rows).astype(np.int64), np.asarray(starts).astype(np.int64)
    count = int(starts[-1]) if starts.size else -1
    good = len(shape) == 2 and starts.size == shape[1] + 1 and starts[0] == 0 and (np.diff(starts) >= 0).all()
    good = good and 0 <= count <= min(rows.size, *(value.size for value in values))
    if not good or (count and not (rows[:count].min() >= 0 and rows[:count].max() < shape[0])):
        raise InputError(f"{what} is a sparse matrix whose indices do not fit its shape {list(shape)}. It is damaged.")
    found = values[0][:count] if len(values) == 1 else values[0][:count] + 1j * values[1][:count]
    reserve(math.prod(shape) * found.dtype.itemsize, f"{what}, a sparse matrix of shape {list(shape)},")
    full = np.zeros(shape, found.dtype)
    full[rows[:count], np.repeat(np.arange(shape[1]), np.diff(starts))] = found
    return full

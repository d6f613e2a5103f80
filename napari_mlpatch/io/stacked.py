"""An array of a file seen as a stack of slices: which of its axes are which."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from .arrays import Slices, Stored
from .option_phrases import naming

AXES = ("rows", "columns", "pages")
"""Names of the axes of an array [pages, rows, columns]: what is read down, across, and through a stack."""


def slices(stored: Stored, angle_axis: str) -> Slices:
    """View an array ``[rows, columns]`` or ``[pages, rows, columns]`` as ``[slices, angles, bins]``.

    ``angle_axis`` says along which axis the angles run: "rows" (bins are columns, pages are slices), "columns" (bins
    are rows, pages are slices) or "pages" (projections: rows are slices, columns are bins).
    """
    shape = stored.shape
    if angle_axis not in AXES:
        raise InputError(f"{naming('{angle_axis} must')} be one of {', '.join(AXES)}, got {angle_axis!r}.")
    if len(shape) not in (2, 3) or 0 in shape:
        raise InputError(
            f"A sinogram has 2 axes and a stack of them 3, but this array has shape {list(shape)}. "
            "Name another array of the file with the option dataset."
        )
    if len(shape) == 2:
        if angle_axis == "pages":
            asked = naming("{angle_axis} is 'pages'")
            raise InputError(f"{asked}, but the array {list(shape)} has only rows and columns.")
        if angle_axis == "rows":
            return Slices((1, *shape), lambda i: stored.read(()))
        return Slices((1, shape[1], shape[0]), lambda i: stored.read(()).T)
    pages, rows, columns = shape
    every, blocks = slice(None), stored.ranges
    if angle_axis == "rows":
        return Slices(
            (pages, rows, columns),
            lambda i: stored.read(i),
            read_block=(lambda start, stop: stored.read(slice(start, stop))) if blocks else None,
            sources=((stored, 0),),
        )
    if angle_axis == "columns":
        return Slices(
            (pages, columns, rows),
            lambda i: stored.read(i).T,
            read_block=(lambda start, stop: stored.read(slice(start, stop)).swapaxes(1, 2)) if blocks else None,
            sources=((stored, 0),),
        )
    return Slices(
        (rows, pages, columns),
        lambda i: stored.read((every, i)),
        lambda: stored.read(()).swapaxes(0, 1),
        read_block=(lambda start, stop: stored.read((every, slice(start, stop))).swapaxes(0, 1)) if blocks else None,
        sources=((stored, 1),),
    )


FAR_SHORTER = 8  # times


def slices_first(stored: Stored) -> Stored | None:
    """The same array with its last axis first, where that is far the shortest of three; else None.

    No detector has few bins and many rows: these are slices (or channels) behind the pictures.
    """
    if len(stored.shape) != 3 or not 0 < stored.shape[2] * FAR_SHORTER <= min(stored.shape[:2]):
        return None

    def read(index: Any) -> np.ndarray:
        if index == ():
            return np.moveaxis(stored.read(()), 2, 0)
        first, *rest = index if isinstance(index, tuple) else (index,)
        part = stored.read((*rest, *(slice(None),) * (2 - len(rest)), first))
        return np.moveaxis(part, -1, 0) if isinstance(first, slice) else part

    return Stored(
        (stored.shape[2], *stored.shape[:2]),
        read,
        stored.is_integer,
        stored.is_complex,
        ranges=stored.ranges,
        pieces=(*stored.pieces[2:], *stored.pieces[:2]),
        itemsize=stored.itemsize,
        held=stored.held,
    )


def stack_of(stored: Stored, angles: int, bins: int | None = None) -> Slices:
    """The same with the axis of the angles, and perhaps that of the bins, by number; else the last one is bins'."""
    count = len(stored.shape)
    bins = max(axis for axis in range(count) if axis != angles) if bins is None else bins
    turned = bins < angles
    if count == 2:
        shape = (1, stored.shape[angles], stored.shape[bins])
        return Slices(shape, lambda i: stored.read(()).T if turned else stored.read(()))
    (other,) = set(range(3)) - {angles, bins}

    def read(index: int) -> np.ndarray:
        part = stored.read(tuple(index if axis == other else slice(None) for axis in range(3)))
        return part.T if turned else part

    def block(start: int, stop: int) -> np.ndarray:
        part = stored.read(tuple(slice(start, stop) if axis == other else slice(None) for axis in range(3)))
        return part.transpose(other, angles, bins)

    shape = (stored.shape[other], stored.shape[angles], stored.shape[bins])
    return Slices(shape, read, read_block=block if stored.ranges else None, sources=((stored, other),))

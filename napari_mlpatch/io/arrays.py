"""Arrays in files, read only where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of, reserve

from .keeping import Keeping
from .number_types import numbers
from .precision import to_float32

LARGEST_ITEM = 8
"""Bytes of a number, where a reader does not say."""


@dataclass(frozen=True)
class Stored:
    """A named array in a file. ``read(index)`` gives that part of it, ``read(())`` all.

    ``attribute(name)`` is what the file notes about it, ``labels()`` the names of its axes, () where they have none.
    Arrays of one ``identity`` are the same one under several names. ``note`` tells what it was made of, if anything.
    ``ranges`` says whether an index may hold a range (a slice with a beginning and an end) for each of its axes,
    ``is_sparse`` that the file holds the values other than zero only. ``pieces`` is the shape of those parts of the
    file that can only be read as a whole, () where any part can; ``itemsize`` bytes has a number that is read. ``held``
    bytes stay in memory from when any of it was read. ``bits`` has a whole number in the file,
    where that is known, else 0.
    Reading more than may be used of the memory (see ``core.budget``) raises InputError.
    """

    shape: tuple[int, ...]
    read: Callable[[Any], np.ndarray]
    is_integer: bool = False
    is_complex: bool = False
    identity: Any = None
    attribute: Callable[[str], Any] = lambda name: None
    labels: Callable[[], tuple[str, ...]] = lambda: ()
    note: str = ""
    ranges: bool = False
    is_sparse: bool = False
    pieces: tuple[int, ...] = ()
    itemsize: int = LARGEST_ITEM
    held: int = 0
    bits: int = 0
    keeping: Keeping = field(init=False, compare=False, default_factory=Keeping)

    def __post_init__(self) -> None:
        read, shape, keeping = self.read, self.shape, self.keeping

        def within_budget(index: Any) -> np.ndarray:
            reserve_part(shape, index)
            return keeping.read(shape, read, index)

        object.__setattr__(self, "read", within_budget)

    @classmethod
    def of(cls, array: np.ndarray, bits: int = 0) -> Stored:
        """An array that is in memory already."""
        array = numbers(array)
        return cls(
            array.shape,
            lambda index: array[index],
            array.dtype.kind in "iu",
            array.dtype.kind == "c",
            ranges=True,
            itemsize=array.itemsize,
            held=array.nbytes,
            bits=bits,
        )

    @property
    def is_stack(self) -> bool:
        """Whether it looks like a sinogram or a stack of them, rather than a list or a number."""
        return len([n for n in self.shape if n != 1]) in (2, 3) and 0 not in self.shape and not self.is_complex

    def squeezed(self) -> Stored:
        """Without axes of length one, as many as leave three, or two where the third has that length as well."""
        kept = [axis for axis, n in enumerate(self.shape) if n != 1]
        if len(kept) < 2 or len(kept) == len(self.shape):
            return self
        shape, all_axes = tuple(self.shape[axis] for axis in kept), self.shape
        labels = self.labels

        def read(index: Any) -> np.ndarray:
            parts = iter(index if isinstance(index, tuple) else (index,))
            return self.read(tuple(0 if n == 1 else next(parts, slice(None)) for n in all_axes))

        def kept_labels() -> tuple[str, ...]:
            names = labels()
            return tuple(names[axis] for axis in kept) if names else ()

        pieces = tuple(self.pieces[axis] for axis in kept) if self.pieces else ()
        return replace(self, shape=shape, read=read, labels=kept_labels, pieces=pieces)


@dataclass(frozen=True)
class Slices:
    """A stack seen as ``[slices, rows, bins]``: ``stack[i]`` reads slice i as float32 ``[rows, bins]``.

    ``read_all``, where a slice is scattered over the whole file, reads all of them at once ``[slices, rows, bins]``,
    ``read_block(start, stop)`` those of a range, each page or chunk of the file once.
    ``groups`` are those that the rows of a field were taken in, each in words and with its number of rows; ``times``
    are when, one for each row, and ``scan_times`` those of the rows of the data that it belongs to, where known.
    ``sources`` are the arrays that it is read from, each with the axis along which the slices lie.
    """

    shape: tuple[int, int, int]
    read: Callable[[int], np.ndarray]
    read_all: Callable[[], np.ndarray] | None = None
    groups: tuple[tuple[str, int], ...] = ()
    times: tuple[float, ...] = ()
    scan_times: tuple[float, ...] = ()
    read_block: Callable[[int, int], np.ndarray] | None = None
    sources: tuple[tuple[Stored, int], ...] = ()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self.shape[0]:
            raise IndexError(f"slice {index} of {self.shape[0]}")
        return to_float32(self.read(index))

    def block(self, start: int, stop: int) -> np.ndarray:
        """The slices of a range, float32 ``[slices, rows, bins]``."""
        if not 0 <= start < stop <= self.shape[0]:
            raise IndexError(f"slices {start} to {stop} of {self.shape[0]}")
        if self.read_block is None:
            return np.stack([self[index] for index in range(start, stop)])
        return to_float32(self.read_block(start, stop))

    def each(self, indices: list[int]) -> Iterator[np.ndarray]:
        """These slices, without reading the file once for each."""
        if self.read_all is None or len(indices) < 2:
            yield from (self[index] for index in indices)
        else:
            stack = self.read_all()
            yield from (to_float32(stack[index]) for index in indices)


Field = Slices | np.ndarray | float
"""A flat or dark field: ``[slices, frames, bins]``, ``[bins]``, or one number for the whole detector."""


def reserve_part(shape: tuple[int, ...], index: Any, itemsize: int = LARGEST_ITEM) -> None:
    """Raises InputError where the part of an array at an index does not fit into the memory that may be used."""
    indices = index if isinstance(index, tuple) else (index,)
    sizes = [_length(i, n) for i, n in zip(indices, shape, strict=False)]
    reserve(
        bytes_of([*sizes, *shape[len(sizes) :]], itemsize),
        f"An array of shape {list(shape)} in a file",
        "Read a slice of it, or a smaller file.",
    )


def _length(index: Any, size: int) -> int:
    if isinstance(index, slice):
        return len(range(*index.indices(size)))
    return 1 if isinstance(index, int | np.integer) else size

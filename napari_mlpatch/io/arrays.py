"""Arrays in files, read only where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of, reserve
from napari_mlpatch.core.errors import InputError

from .keeping import Keeping
from .option_phrases import naming

LARGEST_ITEM = 8
"""Bytes of a number, where a reader does not say."""
AXES = ("rows", "columns", "pages")
"""Names of the axes of an array [pages, rows, columns]: what is read down, across, and through a stack."""


COMPLEX = (("real", "imag"), ("r", "i"), ("re", "im"), ("real", "imaginary"))
POLAR = (("mag", "phase"), ("magnitude", "phase"), ("abs", "phase"), ("amplitude", "phase"), ("amp", "phase"))
POLAR += (("abs", "angle"), ("abs", "arg"), ("mag", "angle"), ("magnitude", "angle"))
"""Names of the two fields of complex numbers in files that have none of their own: Cartesian and polar."""
AMBIGUOUS_PHASE = 2.0 * np.pi * 1.001
"""Phases beyond this are no radians."""


def is_numeric(dtype: np.dtype) -> bool:
    return dtype.kind in "biufc" or is_complex(dtype)


def is_complex(dtype: np.dtype) -> bool:
    """Also for records of a real and an imaginary part."""
    if dtype.names is None:
        return dtype.kind == "c"
    return _fields(dtype) is not None


def _fields(dtype: np.dtype) -> tuple[str, str, bool] | None:
    """The two fields of a record that is a complex number, and whether they are magnitude and phase."""
    if dtype.names is None or len(dtype.names) != 2 or not all(dtype[name].kind in "iuf" for name in dtype.names):
        return None
    names = {name.lower(): name for name in dtype.names}
    for first, second in (*COMPLEX, *POLAR):
        if names.keys() == {first, second}:
            return names[first], names[second], (first, second) in POLAR
    return None


def numbers(array: np.ndarray) -> np.ndarray:
    """The same, records of two parts as complex numbers. Raises InputError for phases that are no radians."""
    fields = _fields(array.dtype)
    if fields is None:
        return array
    first, second, is_polar = array[fields[0]], array[fields[1]], fields[2]
    if is_polar:
        largest = largest_phase(second)
        if largest > AMBIGUOUS_PHASE:
            raise InputError(
                f"The complex numbers are records of {fields[0]} and {fields[1]}, but the phase reaches {largest:.4g}, "
                "more than 2 pi: radians are needed. Convert it."
            )
        return from_polar(first, second)
    single = first.dtype.itemsize <= 4 and first.dtype.kind == "f"
    return first.astype(np.complex64 if single else np.complex128) + 1j * second


def from_polar(magnitude: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """``magnitude exp(i phase)``, the phase in radians, complex128."""
    return magnitude * np.exp(1j * np.asarray(phase, np.float64))


def largest_phase(phase: np.ndarray) -> float:
    """The largest size of the finite values."""
    phase = np.asarray(phase, np.float64)
    return float(np.max(np.abs(phase), where=np.isfinite(phase), initial=0.0))


@dataclass(frozen=True)
class Stored:
    """A named array in a file. ``read(index)`` gives that part of it, ``read(())`` all.

    ``attribute(name)`` is what the file notes about it, ``labels()`` the names of its axes, () where they have none.
    Arrays of one ``identity`` are the same one under several names. ``note`` tells what it was made of, if anything.
    ``ranges`` says whether an index may hold a range (a slice with a beginning and an end) for each of its axes,
    ``is_sparse`` that the file holds the values other than zero only. ``pieces`` is the shape of those parts of the
    file that can only be read as a whole, () where any part can; ``itemsize`` bytes has a number that is read.
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
    keeping: Keeping = field(init=False, compare=False, default_factory=Keeping)

    def __post_init__(self) -> None:
        read, shape, keeping = self.read, self.shape, self.keeping

        def within_budget(index: Any) -> np.ndarray:
            reserve_part(shape, index)
            return keeping.read(shape, read, index)

        object.__setattr__(self, "read", within_budget)

    @classmethod
    def of(cls, array: np.ndarray) -> Stored:
        """An array that is in memory already."""
        array = numbers(array)
        return cls(
            array.shape, lambda index: array[index], array.dtype.kind in "iu", array.dtype.kind == "c", ranges=True
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


def to_float32(array: Any) -> np.ndarray:
    """A real array as contiguous float32. Raises InputError for text, objects, complex numbers, and beyond its range.

    NaN and infinite values stay (see ``check_finite``), and so do values that vanish beside others of the array.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise InputError(f"Numbers are needed, but the array holds {array.dtype}. Name another array of the file.")
    with np.errstate(over="ignore", under="ignore"):
        found = np.asarray(array, dtype=np.float32, order="C")
    if array.dtype.kind == "f" and array.dtype.itemsize > 4 and array.size:
        _check_range(array)
    return found


def to_complex64(array: Any) -> np.ndarray:
    """The same for complex numbers: contiguous complex64."""
    array = np.asarray(array)
    with np.errstate(over="ignore", under="ignore"):
        found = np.asarray(array, dtype=np.complex64, order="C")
    if array.dtype.itemsize > 8 and array.size:
        _check_range(array.real, array.imag)
    return found


def _check_range(*parts: np.ndarray) -> None:
    """Raises InputError where the largest of all finite sizes is not a normal number of single precision."""
    sizes = [abs(float(f(part, where=np.isfinite(part), initial=0.0))) for part in parts for f in (np.min, np.max)]
    largest = max(sizes)
    tiny, huge = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
    if 0 < largest < tiny or largest > huge:
        what = "too large" if largest > 1 else "too small"
        raise InputError(
            f"The numbers are {what} for single precision, in which this program computes: the largest size is "
            f"{largest:.3g}, and must be between {tiny:.3g} and {huge:.3g}. Rescale the data (divide them "
            "by that number, say)."
        )


def check_finite(array: np.ndarray, what: str, why: str = "") -> None:
    """Raises InputError with the number of NaN and infinite values, the position of the first, and ``why`` they are."""
    if array.dtype.kind in "biu":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        first = [int(i) for i in np.argwhere(bad)[0]]
        raise InputError(
            f"{what} holds {int(bad.sum())} NaN or infinite value(s), the first at index {first}"
            f"{why and f' ({why})'}. Repair or replace them (interpolate dead pixels) before loading."
        )

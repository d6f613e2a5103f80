"""Numbers of files in single precision, in which this program computes: their range, and those that are none."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError


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

"""Numbers as files hold them: which can be used, and complex ones that are records of two parts."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.core.errors import InputError

COMPLEX = (("real", "imag"), ("r", "i"), ("re", "im"), ("real", "imaginary"), ("real_part", "imag_part"))
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

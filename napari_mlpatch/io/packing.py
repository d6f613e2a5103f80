"""Numbers that a file holds packed, as NetCDF and its conventions have it: smaller types, a factor, an offset, and
values that stand for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

SCALE, OFFSET = "scale_factor", "add_offset"
MISSING = ("_FillValue", "missing_value")
OTHERS = ("scaling_factor", "slope", "intercept", "rescale_slope", "rescale_intercept", "multiplier")


@dataclass(frozen=True)
class Packing:
    """``value = scale · stored + offset``; stored numbers that are ``missing`` are NaN.

    Climate and Forecast conventions 1.11, section 8.1. ``ignored`` are attributes of no convention that look alike.
    """

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def is_scaled(self) -> bool:
        return (self.scale, self.offset) != (1.0, 0.0)

    def unpacked(self, stored: np.ndarray) -> np.ndarray:
        """float64 where anything is to be done, else as it is."""
        is_missing = np.isin(stored, self.missing) if self.missing else np.zeros(1, bool)
        if not self.is_scaled and not is_missing.any():
            return stored
        values = stored.astype(np.complex128 if stored.dtype.kind == "c" else np.float64) * self.scale + self.offset
        return np.where(is_missing, np.nan, values) if is_missing.any() else values

    def note(self, name: str) -> str:
        name = name.strip("/")
        parts = [f"{name!r} is packed: times {self.scale:g}, plus {self.offset:g}"] if self.is_scaled else []
        if self.ignored:
            parts.append(f"{name!r} has the attributes {', '.join(self.ignored)}, which are not applied")
        return "; ".join(parts)


def packing_of(attribute: Callable[[str], Any], name: str) -> Packing | None:
    """Of the attributes of an array, None where it has none of these. Raises InputError for impossible ones."""
    given = {key: attribute(key) for key in (SCALE, OFFSET, *MISSING, *OTHERS)}
    if all(value is None for value in given.values()):
        return None
    scale, offset = (_number(given[key], default, key, name) for key, default in ((SCALE, 1.0), (OFFSET, 0.0)))
    if scale == 0:
        raise InputError(f"{name!r} has {SCALE} = 0, with which all its values are alike. Correct the attribute.")
    missing = [_number(value, np.nan, key, name, finite=False) for key in MISSING for value in _each(given[key])]
    ignored = tuple(f"{key} = {given[key]}"[:60] for key in OTHERS if given[key] is not None)
    return Packing(scale, offset, tuple(value for value in missing if not np.isnan(value)), ignored)


def _each(value: Any) -> list[Any]:
    return list(np.ravel(value)) if value is not None else []


def _number(value: Any, default: float, key: str, name: str, finite: bool = True) -> float:
    if value is None:
        return default
    try:
        number = float(np.asarray(value).ravel()[0])
    except (TypeError, ValueError, IndexError):
        number = np.nan if finite else default
    if finite and not np.isfinite(number):
        raise InputError(f"{name!r} has the attribute {key} = {str(value)[:40]!r}, which is no number. Correct it.")
    return number

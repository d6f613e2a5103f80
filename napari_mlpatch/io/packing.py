"""Numbers that a file holds packed, as NetCDF and its conventions have it: smaller types, a factor, an offset, and
values that stand for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

SCALE, OFFSET = "scale_factor", "add_offset"
FILL = "_FillValue"
MISSING = (FILL, "missing_value")
UNSIGNED = "_Unsigned"
FILLS = "values that stand for nothing (_FillValue, missing_value):"
OTHERS = ("scaling_factor", "slope", "intercept", "rescale_slope", "rescale_intercept", "multiplier")


@dataclass(frozen=True)
class Packing:
    """``value = scale · stored + offset``; stored numbers that are ``missing`` are NaN.

    Climate and Forecast conventions 1.11, 8.1. ``unsigned``: integers with a sign stand for ones without (NetCDF
    users' guide). ``ignored`` are attributes of no convention that look alike. ``fault`` says what is impossible in the
    attributes: nothing can be unpacked then.
    """

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    unsigned: bool = False
    ignored: tuple[str, ...] = ()
    fault: str = ""

    @property
    def is_scaled(self) -> bool:
        return (self.scale, self.offset) != (1.0, 0.0)

    def check(self) -> None:
        """Raises InputError for attributes that are impossible."""
        if self.fault:
            raise InputError(self.fault)

    def unpacked(self, stored: np.ndarray) -> np.ndarray:
        """float64 where a factor, an offset or integers of which some are missing are declared, else of its type.

        Raises InputError for attributes that are impossible.
        """
        self.check()
        if stored.dtype.kind not in "biufc":
            return stored
        values = stored
        if self.unsigned and stored.dtype.kind == "i":
            values = stored.view(stored.dtype.str.replace("i", "u"))
        if not (self.is_scaled or self.missing):
            return values
        if self.is_scaled or stored.dtype.kind not in "fc":
            values = values.astype(np.complex128 if stored.dtype.kind == "c" else np.float64)
        if self.is_scaled:
            values = values * self.scale + self.offset
        with np.errstate(invalid="ignore", over="ignore"):  # signalling NaN; of another type, the nearest number counts
            missing = np.array([value for value in self.missing if _is_of(value, stored.dtype)]).astype(stored.dtype)
            gone = np.isin(stored, missing)
        if missing.size:
            values = np.where(gone, values.dtype.type(np.nan), values)
        return values

    def note(self, name: str) -> str:
        name = name.strip("/")
        parts = [f"{name!r} is packed: times {self.scale:g}, plus {self.offset:g}"] if self.is_scaled else []
        if self.missing:
            fills = ", ".join(f"{value:g}" for value in self.missing)
            parts.append(f"{name!r} has {FILLS} {fills}, read as NaN")
        if self.unsigned:
            parts.append(f"{name!r} holds numbers without a sign, as its attribute {UNSIGNED} says")
        if self.ignored:
            parts.append(f"{name!r} has the attributes {', '.join(self.ignored)}, which are not applied")
        return "; ".join(parts)


def packing_of(attribute: Callable[[str], Any], name: str) -> Packing | None:
    """Of the attributes of an array, None where it has none of these; impossible ones are its fault."""
    given = {key: attribute(key) for key in (SCALE, OFFSET, *MISSING, UNSIGNED, *OTHERS)}
    if all(value is None for value in given.values()):
        return None
    numbers = {key: 1.0 if key == SCALE else 0.0 for key in (SCALE, OFFSET)}
    for key in numbers:
        if given[key] is not None:
            if len({_number(value) for value in _each(given[key])}) > 1:
                said = f"{np.size(given[key])} different values of {key}, one for a part of it each"
                return Packing(fault=f"{name!r} has {said}, which is not read. Unpack it, and write real numbers.")
            numbers[key] = _number(given[key])
            if not np.isfinite(numbers[key]):
                said = f"the attribute {key} = {str(given[key])[:40]!r}, which is no number"
                return Packing(fault=f"{name!r} has {said}. Correct it.")
    if numbers[SCALE] == 0:
        return Packing(fault=f"{name!r} has {SCALE} = 0, with which all its values are alike. Correct the attribute.")
    missing = dict.fromkeys(_number(value) for key in MISSING for value in _each(given[key]))
    ignored = tuple(f"{key} = {given[key]}"[:60] for key in OTHERS if given[key] is not None)
    unsigned = str(given[UNSIGNED]).strip().lower() in ("true", "1")
    fills = tuple(value for value in missing if not np.isnan(value))
    return Packing(numbers[SCALE], numbers[OFFSET], fills, unsigned, ignored)


def fills(notes: Iterable[str]) -> str:
    """What notes on a file tell of values that stand for nothing, to be said where NaN are refused."""
    return "; ".join(note for note in notes if FILLS in note)


def _is_of(value: float, dtype: np.dtype) -> bool:
    """Whether a stored number can have that value."""
    if dtype.kind not in "iu":
        return True
    return value.is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _each(value: Any) -> list[Any]:
    return list(np.ravel(value)) if value is not None else []


def _number(value: Any) -> float:
    """The first number; NaN for what is none."""
    try:
        return float(np.asarray(value).ravel()[0])
    except (TypeError, ValueError, IndexError):
        return np.nan

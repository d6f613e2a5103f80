"""Values of a parameter that is varied: a list, or a range in equal steps or equal ratios.

``weight=0.01:1:log9`` are 9 values from 0.01 to 1 in equal ratios, ``iterations=10:50:5`` 5 values in equal steps (both
ends included), ``norm=isotropic,anisotropic`` a list; ``tv.weight=...`` is that of the method tv alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.declare import Parameter, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import methods
from napari_mlpatch.core.words import short

MOST = 1000
"""Values of a range, and combinations of a sweep."""


@dataclass(frozen=True)
class Axis:
    """A parameter and the values that it takes, of all methods that have it, or of one."""

    name: str
    values: tuple[Any, ...]
    method: str | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError(f"The parameter {self.name!r} is to be varied, but no values were given.")

    @property
    def label(self) -> str:
        return self.name if self.method is None else f"{self.method}.{self.name}"

    def belongs_to(self, method: str) -> bool:
        """Whether it varies this method."""
        return self.method in (None, method) and self.name in names_of(method)


def names_of(method: str) -> list[str]:
    return [p.name for p in parameters(methods.get(method))]


def axis(text: str, chosen: Iterable[str]) -> Axis:
    """The axis that a text such as ``weight=0.01:1:log9`` stands for, of the chosen methods.

    Raises InputError for another form, a parameter that none of them has, and impossible ranges.
    """
    chosen = list(chosen)
    key, sign, what = text.partition("=")
    if not sign or not key.strip() or not what.strip():
        raise InputError(f"What varies is written name=values, such as weight=0.01:1:log9, got {short(text)}.")
    method, dot, name = key.strip().rpartition(".")
    owners = [method] if dot else chosen
    if dot and method not in chosen:
        raise InputError(f"{key!r} varies the method {method!r}, which is not among {', '.join(chosen)}.")
    known = [p for owner in owners for p in parameters(methods.get(owner)) if p.name == name]
    if not known:
        there = sorted({n for owner in owners for n in names_of(owner)})
        raise InputError(f"No chosen method has a parameter {name!r}. There are: {', '.join(there)}.")
    return Axis(name, values(what, known[0]), method if dot else None)


def values(text: str, parameter: Parameter) -> tuple[Any, ...]:
    """The values of a list or range, in the type of the parameter. Raises InputError."""
    parts = [part.strip() for part in text.split(":")]
    if parameter.kind not in ("int", "float") or len(parts) == 1:
        found = [_one(word.strip(), parameter) for word in text.split(",") if word.strip()]
    elif len(parts) == 3:
        found = list(spread(*parts, whole=parameter.kind == "int"))
    else:
        raise InputError(
            f"{parameter.name}: a range is written first:last:count, or first:last:logcount for equal ratios, got "
            f"{short(text)}."
        )
    return tuple(dict.fromkeys(found))


def spread(first: Any, last: Any, count: Any, *, whole: bool = False) -> Sequence[Any]:
    """So many values from first to last, both included: in equal steps, or with ``log`` before the count in equal
    ratios."""
    word = str(count).strip()
    is_log = word.startswith("log")
    try:
        low, high, n = float(first), float(last), int(word.removeprefix("log").removeprefix("lin"))
    except ValueError:
        raise InputError(f"A range is written first:last:count, got {first}:{last}:{count}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and 1 <= n <= MOST) or (is_log and not (low > 0 and high > 0)):
        kind = "positive numbers" if is_log else "finite numbers"
        raise InputError(f"A range goes between two {kind} in 1 to {MOST} values, got {first}:{last}:{count}.")
    numbers = np.geomspace(low, high, n) if is_log else np.linspace(low, high, n)
    return [round(v) for v in numbers.tolist()] if whole else [float(f"{v:.12g}") for v in numbers.tolist()]


def _one(word: str, parameter: Parameter) -> Any:
    if parameter.optional and word.lower() in ("none", "auto", "automatic"):
        return None
    if parameter.kind == "bool":
        if word.lower() not in ("true", "false"):
            raise InputError(f"{parameter.name} is true or false, got {short(word)}.")
        return word.lower() == "true"
    if parameter.kind == "choice":
        return next((choice for choice in parameter.choices if str(choice) == word), word)
    if parameter.kind not in ("int", "float"):
        return word
    try:
        return int(word) if parameter.kind == "int" else float(word)
    except ValueError:
        raise InputError(f"{parameter.name} takes numbers, got {short(word)}.") from None

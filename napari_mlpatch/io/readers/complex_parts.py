"""Complex numbers that a file holds as two real arrays: real and imaginary part, or magnitude and phase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..number_types import AMBIGUOUS_PHASE, from_polar, largest_phase
from ..option_phrases import on_line
from .names import KSPACE, key

PARTS: tuple[dict[str, tuple[str, ...]], ...] = (
    {"real": ("real", "realpart", "re", "r"), "imag": ("imag", "imaginary", "imagpart", "imaginarypart", "im", "i")},
    {
        "magnitude": ("magnitude", "mag", "abs", "absolute", "amplitude", "amp", "modulus"),
        "phase": ("phase", "angle", "arg", "pha", "ph"),
    },
)
"""What the two are called: in words of a name, or by themselves."""
LONG = 4  # letters of a word that need no mark beside them, as in kspacereal
CENTRAL, KSPACE_SHARE = 8, 0.25
"""K-space has more than this share of its energy in the middle eighth of either axis; pictures hold some 2 % there."""


@dataclass(frozen=True)
class Pair:
    """Two arrays ``first`` and ``second`` of a file that are the parts of the complex array ``name``."""

    name: str
    first: str
    second: str
    polar: bool

    @property
    def says_kspace(self) -> bool:
        return any(key(part) in KSPACE for part in re.split(r"[./]", self.name))

    def joined(self, path: Path, arrays: Mapping[str, Stored]) -> Stored:
        """The complex array, of which both parts are read where it is read. Raises InputError for odd phases."""
        first, second = arrays[self.first], arrays[self.second]
        words = f"complex numbers from {self.first!r} and {self.second!r}, taken as their "
        turn = 1.0
        if self.polar:
            turn, unit = _phase_unit(path, self.second, second)
            words += f"magnitude and phase in {unit}"
        else:
            words += "real and imaginary parts"

        def read(index: Any) -> np.ndarray:
            a, b = first.read(index), second.read(index)
            return from_polar(a, turn * b) if self.polar else _complex(a, b)

        identity = ("pair", first.identity or self.first, second.identity or self.second)
        held = first.held + second.held
        return Stored(first.shape, read, is_complex=True, identity=identity, labels=first.labels, note=words, held=held)


def pairs_in(path: Path, arrays: Mapping[str, Stored]) -> list[Pair]:
    """All pairs of real arrays of two axes or more whose names tell that they belong together.

    Raises InputError where k-space has one of two parts, or parts of different shapes.
    """
    found: dict[tuple[str, int, str], str] = {}
    for name, array in arrays.items():
        if array.is_complex or len([n for n in array.shape if n != 1]) < 2:
            continue
        for kind, words in enumerate(PARTS):
            for part in words:
                stem = _stem(name, words[part])
                if stem is not None:
                    found.setdefault((stem, kind, part), name)
    pairs = []
    for (stem, kind, part), name in found.items():
        one, other = PARTS[kind]
        if part == one and (stem, kind, other) in found:
            pairs.append(
                Pair(stem or f"{name} and {found[stem, kind, other]}", name, found[stem, kind, other], kind == 1)
            )
        elif (stem, kind, one if part == other else other) not in found and key(stem) in KSPACE and stem not in arrays:
            missing = one if part == other else other
            raise InputError(
                f"{path} holds {name!r}, the {part} part of complex k-space, but no array for its {missing} part, such "
                f"as {stem}_{missing}. Complex numbers need both."
            )
    for pair in pairs:
        shapes = [list(arrays[name].shape) for name in (pair.first, pair.second)]
        if shapes[0] != shapes[1] and pair.says_kspace:
            raise InputError(
                f"{path}: {pair.first!r} and {pair.second!r} are the parts of complex k-space, but have shapes "
                f"{shapes[0]} and {shapes[1]}. They must be equal."
            )
    return [pair for pair in pairs if arrays[pair.first].shape == arrays[pair.second].shape]


def looks_like_kspace(stored: Stored) -> bool:
    """Whether the middle picture has its energy around zero frequency: in its middle or, not shifted, its corners."""
    shape = stored.shape
    index = tuple(n // 2 for n in shape[:-2])
    size = np.abs(np.nan_to_num(np.asarray(stored.read(index)))).astype(float) ** 2
    total = float(size.sum())
    if not total > 0 or min(size.shape) < CENTRAL:
        return False
    for picture in (size, np.fft.fftshift(size)):
        r, c = (max(1, n // (2 * CENTRAL)) for n in picture.shape)
        rows, columns = (n // 2 for n in picture.shape)
        if picture[rows - r : rows + r, columns - c : columns + c].sum() > KSPACE_SHARE * total:
            return True
    return False


def refuse_ambiguous(path: Path, pair: Pair) -> None:
    """Raises InputError: two arrays that may be complex, but do not look or call themselves like k-space."""
    kind, names = ("magnitude and phase", "mag|phase") if pair.polar else ("real and imaginary part", "real|imag")
    first, second = (f"kspace_{word}" for word in names.split("|"))
    raise InputError(
        f"{path} holds {pair.first!r} and {pair.second!r}, which may be the {kind} of complex numbers, but neither "
        f"their names nor their values say that these are k-space. If they are, give dataset={pair.name!r}"
        f"{on_line('dataset')}, or name them {first} and {second}; if one of them is a sinogram, name that one with "
        "dataset."
    )


def _stem(name: str, words: tuple[str, ...]) -> str | None:
    """What is left of a name without one of the words at an end of its last part; None where there is no such word."""
    start = max(name.rfind("/"), name.rfind(".")) + 1
    prefix, last = name[:start], name[start:]
    low = last.lower()
    for word in words:
        if low == word:
            return prefix.rstrip("./")
        if low.endswith(word) and (
            len(word) >= LONG or last[-len(word) - 1] in "_- " or (last[-len(word)].isupper() and not last.isupper())
        ):
            return prefix + last[: -len(word)].rstrip("_- ")
        if low.startswith(word) and (len(word) >= LONG or last[len(word)] in "_- "):
            return prefix + last[len(word) :].lstrip("_- ").removeprefix("of_")
    return None


def _phase_unit(path: Path, name: str, stored: Stored) -> tuple[float, str]:
    """The factor to radians, from the attribute "units" or the range of the values, and the unit's name."""
    unit = str(stored.attribute("units") or "").strip().lower()
    if unit.startswith("deg"):
        return np.pi / 180.0, "degrees, as the file says"
    if unit.startswith("rad"):
        return 1.0, "radians, as the file says"
    largest = largest_phase(stored.read(tuple(n // 2 for n in stored.shape[:-2])))
    if largest <= AMBIGUOUS_PHASE:
        return 1.0, "radians"
    if 90.0 < largest <= 360.01:
        return np.pi / 180.0, f"degrees, because it reaches {largest:.4g}"
    raise InputError(
        f"{path}: {name!r} should be the phase of complex numbers, but reaches {largest:.4g}: neither radians (up to 2 "
        "pi) nor degrees (up to 360). Convert it to radians."
    )


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    single = all(part.dtype.kind == "f" and part.dtype.itemsize <= 4 for part in (real, imaginary))
    return real.astype(np.complex64 if single else np.complex128) + 1j * imaginary

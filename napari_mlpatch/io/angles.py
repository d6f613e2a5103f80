"""Projection angles: from text files, from other units, and checked against a sinogram."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.declare import parse_angles
from napari_mlpatch.core.errors import InputError

from .guard import existing_file, reading

LARGEST_TEXT = 64 * 2**20  # bytes


def read_angles(path: str | os.PathLike[str], *, unit: str | None = None) -> np.ndarray:
    """Angles in degrees ``[n]`` from a text file.

    Numbers are separated by white space, commas or semicolons; ``#`` starts a comment. They are degrees unless
    ``unit`` is "radians" or the file says so, on a line of its own or in a comment.
    Raises InputError for anything that is not a number, with its line.
    """
    path = existing_file(path)
    if path.stat().st_size > LARGEST_TEXT:
        raise InputError(f"{path} has {path.stat().st_size / 2**20:.0f} MB: too large for a list of angles.")
    with reading(path, "a text file of angles"):
        text = path.read_text(encoding="utf-8-sig")
    if unit not in (None, "degrees", "radians"):
        raise InputError(f"The unit of the angles must be degrees or radians, got {unit!r}.")
    values: list[float] = []
    for number, line in enumerate(text.splitlines(), start=1):
        body, _, comment = line.lower().partition("#")
        words = body.replace(",", " ").replace(";", " ").split()
        if words in (["degrees"], ["radians"]):
            unit = unit or words[0]
            continue
        if "radians" in comment and "degrees" not in comment:
            unit = unit or "radians"
        for word in words:
            try:
                values.append(float(word))
            except ValueError:
                raise InputError(f"{path}, line {number}: {word[:40]!r} is not an angle.") from None
    angles = checked(values, str(path))
    return np.degrees(angles) if unit == "radians" else angles


def resolve_angles(angles: Any) -> np.ndarray:
    """Angles in degrees from numbers, a range "start:stop:count" (stop excluded) or the path of a text file."""
    if isinstance(angles, os.PathLike) or (isinstance(angles, str) and is_file(angles)):
        return read_angles(angles)
    if not isinstance(angles, str | Iterable):
        raise InputError(f"Angles are a list, a range start:stop:count or the path of a text file, got {angles!r}.")
    try:
        return checked(parse_angles(angles), "the angles given")
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The angles cannot be understood: {error}. A text file of that name does not exist."
        ) from None


def checked(values: Any, origin: str) -> np.ndarray:
    """One-dimensional, non-empty, finite."""
    angles = np.asarray(values, dtype=float).ravel()
    if angles.size == 0:
        raise InputError(f"There are no angles in {origin}. Give one for each row of the sinogram.")
    bad = ~np.isfinite(angles)
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} of the {angles.size} angles in {origin} are NaN or infinite, "
            f"the first at position {int(np.argmax(bad))}. Correct them."
        )
    return angles


def to_degrees(values: Any, unit: str | None, origin: str) -> tuple[np.ndarray, str]:
    """Angles in degrees, and a note on the unit. Without a unit, several angles within 2 pi are taken as radians."""
    angles = checked(values, origin)
    word = str(unit or "").strip().lower()
    if word.startswith("rad"):
        return np.degrees(angles), "angles converted from radians"
    if word.startswith(("deg", "°")):
        return angles, "angles in degrees"
    if angles.size > 8 and np.abs(angles).max() <= 2 * np.pi + 1e-3 and np.abs(angles).max() > 1.0:
        return np.degrees(angles), "angles assumed to be in radians, because none exceeds 2 pi"
    return angles, "angles assumed to be in degrees"


def is_file(text: str) -> bool:
    """Whether a text is the name of an existing file."""
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError):  # too long, or a null byte: no file name
        return False

"""Projection angles: from text files, from other units, and checked against a sinogram."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.declare import parse_angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import is_file, path_of

from .angle_doubt import motor_counts, overflown
from .angle_text import angles_in
from .angle_unit import contradicts, guess_unit
from .angle_words import DEGREES, alone, states_nothing, unit_in
from .guard import existing_file, reading
from .option_phrases import on_line, option

LARGEST_TEXT = 64 * 2**20  # bytes
UNITS = ("degrees", "radians")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f-\x84\x86-\x9f]|\ufffd")  # in no text; \x1a ended those of DOS


def read_angles(path: str | os.PathLike[str], *, unit: str | None = None) -> np.ndarray:
    """Angles in degrees ``[n]`` from a text file.

    A list, or a table with a column of them, see ``angle_text``. The unit is ``unit``, "degrees" or "radians", else
    what the file says, in a comment or title, else what the numbers show, see ``angle_unit``. Raises InputError for
    what is not a number, with its line, and where the unit cannot be told.
    """
    return given_angles(path_of(path, "The file of angles"), unit)[0]


def resolve_angles(angles: Any, unit: str | None = None) -> np.ndarray:
    """Angles in degrees from numbers, a range "start:stop:count" (stop excluded) or the path of a text file."""
    return given_angles(angles, unit)[0]


def given_angles(angles: Any, unit: str | None = None) -> tuple[np.ndarray, str]:
    """The same with a note on how they were understood."""
    stated, how = None, ""
    if isinstance(angles, os.PathLike) or (isinstance(angles, str) and is_file(angles)):
        values, stated, how = in_text(Path(angles))
        origin = str(existing_file(angles))
    elif not isinstance(angles, str | Iterable):
        raise InputError(f"Angles are a list, a range start:stop:count or the path of a text file, got {angles!r}.")
    else:
        origin = "the angles given"
        try:
            if isinstance(angles, str) and ":" not in angles:
                values, stated, how = angles_in(angles, origin)
            else:
                values = parse_angles(angles)
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError) and not isinstance(angles, str):
                raise
            raise InputError(
                f"The angles cannot be understood: {error} A text file of that name does not exist."
            ) from None
    found, note = to_degrees(values, stated, origin, unit)
    if found is None:
        raise InputError(f"{note[0].upper()}{note[1:]}.")
    return found, "; ".join(part for part in (note, how) if part)


def in_text(path: Path) -> tuple[list[float], str | None, str]:
    """The numbers of a text file, the unit that it says, and a note on how it was read. Raises InputError."""
    path = existing_file(path)
    if path.stat().st_size > LARGEST_TEXT:
        raise InputError(f"{path} has {path.stat().st_size / 2**20:.0f} MB: too large for a list of angles.")
    return angles_in(_text(path), str(path))


def _text(path: Path) -> str:
    """Text in UTF-8, in UTF-16 or UTF-32 by its mark, or in Latin-1. Raises InputError for what is no text."""
    with reading(path, "a text file of angles"):
        raw = path.read_bytes()
    marks = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig"}
    marks |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    marked = next((name for mark, name in marks.items() if raw.startswith(mark)), None)
    for name in (marked,) if marked else ("utf-8", "latin-1"):
        with suppress(UnicodeError):
            text = raw.decode(name)
            if not CONTROL.search(text):
                return text
    raise InputError(f"{path} is no text file, so no list of angles. Give a text file with a number for each angle.")


def checked(values: Any, origin: str) -> np.ndarray:
    """One-dimensional, non-empty, finite."""
    given = np.asarray(values)
    if np.iscomplexobj(given):
        if np.any(np.imag(given)):
            raise InputError(f"The angles in {origin} are complex numbers. Give real ones: np.angle of these, perhaps.")
        given = np.real(given)
    angles = np.asarray(given, dtype=float).ravel()
    if angles.size == 0:
        raise InputError(f"There are no angles in {origin}. Give one for each row of the sinogram.")
    bad = ~np.isfinite(angles)
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} of the {angles.size} angles in {origin} are NaN or infinite, "
            f"the first at position {int(np.argmax(bad))}. Correct them."
        )
    return angles


def to_degrees(values: Any, unit: str | None, origin: str, asked: str | None = None) -> tuple[np.ndarray | None, str]:
    """Angles in degrees and a note on their unit; None, and a note that asks, where it cannot be told.

    The only place that decides. ``asked`` is the unit that the user says, "degrees" or "radians", and counts. Then
    ``unit``, the words of the file, unless the numbers contradict them, and at last what the numbers show. Units
    that are stated but not known are asked for, and so are angles that are all the same. Raises InputError for other
    units asked and for NaN and infinite angles.
    """
    if asked not in (None, *UNITS):
        raise InputError(f"The unit of the angles must be degrees or radians, got {asked!r}.")
    angles = checked(values, origin)
    if angles.size > 1 and np.ptp(angles) == 0:
        return None, f"{origin}: all {angles.size} angles are {angles[0]:g}. {SAME}"
    words = str(unit or "").strip()
    stated = _stated(words)
    if asked is not None:
        return _in_degrees(angles, asked), f"angles in {asked}, as you say"
    doubt = overflown(angles)
    if doubt:
        return None, f"{origin}: {doubt}. {SAME}, or {option('angle_unit')} where they are right after all"
    doubt = motor_counts(angles)
    if doubt and stated in (None, "degrees") and (stated or states_nothing(words)):
        return None, f"{origin}: {doubt}. {SAME}, or {option('angle_unit')} where they are degrees after all"
    if stated is None and not states_nothing(words):
        known = ", ".join(DEGREES)
        return None, f"{origin}: the unit {words[:40]!r} that is stated is none of {known}. {ASK}"
    if stated is not None:
        why = contradicts(angles, stated) if stated in ("degrees", "radians") else ""
        if not why:
            done = f"angles converted from {stated}" if stated != "degrees" else "angles in degrees"
            return _in_degrees(angles, stated), f"{done}, as the file says"
        return None, f"{origin}: the angles are said to be in {stated}, but {why}. {ASK}"
    guess = guess_unit(angles)
    if guess.unit is None:
        return None, f"whether {origin} are degrees or radians cannot be told: {guess.why}. {ASK}"
    done = "in radians, converted" if guess.unit == "radians" else "in degrees"
    return _in_degrees(angles, guess.unit), f"angles assumed to be {done}, because {guess.why}"


ASK = f"Give {option('angle_unit')}, degrees or radians"
SAME = f"Give the angles of the scan{on_line('angles_deg')}"


def _in_degrees(angles: np.ndarray, unit: str) -> np.ndarray:
    return np.degrees(angles) if unit == "radians" else angles if unit == "degrees" else angles * DEGREES[unit]


def _stated(words: str) -> str | None:
    """The unit in a unit's own words, such as an attribute: no multiples, as in "0.001 deg" or "deg / 10"."""
    known = alone(words)
    multiple = re.search(r"\d|\bpi\b|π|[*/^]", words.lower())
    return known if known is not None or multiple else unit_in(words)

"""Units of angles in words: which one a text names, or states without our knowing it."""

from __future__ import annotations

import re

import numpy as np

DEGREES = {
    "degrees": 1.0,
    "radians": 180.0 / np.pi,
    "milliradians": 0.18 / np.pi,
    "microradians": 0.18e-3 / np.pi,
    "millidegrees": 1e-3,
    "microdegrees": 1e-6,
    "gon": 0.9,
    "turns": 360.0,
    "arcmin": 1.0 / 60.0,
    "arcsec": 1.0 / 3600.0,
    "milliarcsec": 1.0 / 3.6e6,
}
"""Degrees in each unit."""

ANYWHERE = {
    "degrees": r"deg(?:s|rees?)?",
    "radians": r"rad(?:s|ians?)?",
    "milliradians": r"m(?:illi)?[- ]?rad(?:s|ians?)?",
    "microradians": r"(?:[uµμ]|micro[- ]?)rad(?:s|ians?)?",
    "millidegrees": r"m(?:illi)?[- ]?deg(?:s|rees?)?",
    "microdegrees": r"(?:[uµμ]|micro[- ]?)deg(?:s|rees?)?",
    "gon": r"gons?|gradians?",
    "arcmin": r"arc[- ]?min(?:s|utes?)?",
    "arcsec": r"arc[- ]?sec(?:s|onds?)?",
    "milliarcsec": r"m(?:illi)?[- ]?arc[- ]?sec(?:s|onds?)?",
}
ALONE = {**ANYWHERE, "turns": r"turns?|revs?|revolutions?"}
ALONE["milliarcsec"] += "|mas"
"""Words of prose as well, turns and mas: they count where a unit stands, not in the midst of a text."""

STATED = re.compile(r"\[\s*([^\[\]]*?)\s*\]|\bunits?\s*(?:[:=]|\bis\b)\s*([^\s,;()\[\]]+)|\(\s*([^()\s]+)\s*\)")
ANGLE = re.compile(r"ang|theta|rot|omega|tilt|phi|θ|ω|φ|deg|rad|winkel|gon", re.IGNORECASE)
NOTHING = (
    *("", "-", "--", "---", "?", "none", "unknown", "null", "n/a", "na", "nan", "1"),
    *("dimensionless", "unitless", "no unit", "arb", "a.u.", "au"),
)


def unit_in(words: str) -> str | None:
    """The unit that a text names; None where it names none, or several."""
    found = _named(words)
    return found[0] if len(found) == 1 else None


def stated_in(words: str) -> str | None:
    """The unit that a text names in prose, or where units stand, ``[mrad]``, ``(turns)``, ``unit: steps``.

    What is no unit of ours is returned as it is, so that it can be refused by its name, unless it is that of something
    else, as in ``time [s]``; None where none is stated.
    """
    for match in STATED.finditer(words):
        word = match[1] or match[2] or match[3] or ""
        known = alone(word)
        if known is not None:
            return known
        before = words[: match.start()].rpartition("\n")[2]
        whose = " ".join(before.split()[-1:]) if match[1] is not None else before
        if whose.strip() and not ANGLE.search(whose):
            continue
        if match[3] is None and word.lower() not in NOTHING and not re.fullmatch(r"[\d\s.,:;+-]*", word):
            return word
    found = _named(words)
    if len(found) > 1 and set(found) != {"degrees", "radians"}:
        return " and ".join(found)
    return found[0] if len(found) == 1 else None


def alone(words: str) -> str | None:
    """The unit that a text is, and nothing beside it: ``mrad``, ``Degrees``, ``°``."""
    words = words.strip().lower().strip(".")
    if words in ("°", "º"):
        return "degrees"
    return next((unit for unit, pattern in ALONE.items() if re.fullmatch(pattern, words)), None)


def states_nothing(words: str) -> bool:
    return words.strip().lower() in NOTHING


def _named(words: str) -> list[str]:
    words = words.lower().replace("_", " ")
    found, rest = [], words
    whole_first = sorted(ANYWHERE, key=lambda unit: unit in ("degrees", "radians", "arcsec"))  # "milli radians"
    for unit in whole_first:
        rest, count = re.subn(rf"(?<![a-zµμ])(?:{ANYWHERE[unit]})(?![a-z])", " ", rest)
        found += [unit] * bool(count)
    if "°" in rest and "degrees" not in found:
        found.append("degrees")
    return found

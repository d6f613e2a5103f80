"""Whether angles are degrees or radians, where nobody says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Unit = Literal["degrees", "radians"]

GOLDEN = np.pi * (np.sqrt(5) - 1) / 2  # step of golden-angle scans, modulo half a turn
CLOSE = 3e-3  # of a half turn, for numbers that were printed with three digits
EXACT = 2e-4  # of other arcs
MOST_HALF_TURNS = 40


@dataclass(frozen=True)
class Guess:
    """The unit that angles must have, None where it cannot be told, and why."""

    unit: Unit | None
    why: str


def guess_unit(angles: np.ndarray) -> Guess:
    """The unit of finite angles ``[n]``, from how such lists come about.

    Radians: steps that close a half turn or full turns (pi, 2 pi), arcs of a simple fraction of pi, whole degrees
    when converted, golden-angle steps, irregular angles that fill exactly a half or full turn. Degrees: above 2 pi,
    or round numbers. Round numbers that fill a turn in radians as well, and irregular ones on no whole turn, tell
    nothing.
    """
    values = _distinct(angles)
    if len(values) < 2 or not np.any(values):
        return Guess("degrees", "the usual unit")
    span, gaps = float(np.ptp(values)), np.diff(values)
    step, largest = span / len(gaps), float(gaps.max())
    even = largest - float(gaps.min()) <= 0.02 * step
    round_numbers = _is_round(values, even and np.allclose(gaps, step, rtol=1e-3, atol=0.0))
    totals = (span, span + step) if even else ()
    if np.abs(values).max() > 2 * np.pi + CLOSE:
        turns = any(
            2 < round(t / np.pi) <= MOST_HALF_TURNS and abs(t - np.pi * round(t / np.pi)) < CLOSE for t in totals
        )
        whole = any(abs(t - round(t)) < 1e-5 for t in totals)
        arcs = whole or any(abs(t / 30 - round(t / 30)) < 1e-3 and t > 29 for t in totals)
        chosen = largest - float(gaps.min()) < 1e-9 * span and (round_numbers or whole)  # as degrees are
        if (_is_golden(angles) and not chosen) or (turns and not arcs and not round_numbers):
            return Guess("radians", "their steps are natural in radians only")
        return Guess("degrees", "they exceed 2 pi")
    closes = any(abs(t / np.pi / k - 1) < CLOSE for t in totals for k in (1, 2))
    left = [k * np.pi - span for k in (1, 2) if k * np.pi - span >= -CLOSE]
    fills = bool(left) and len(values) >= 4 and left[0] <= largest * (1 + 1e-6)
    if np.array_equal(values, np.rint(values)):
        return Guess("degrees", "they are whole numbers")
    if round_numbers:
        if closes or fills:
            return Guess(None, "they are round numbers, as degrees are, but fill a half or full turn in radians")
        return Guess("degrees", "they are round numbers")
    if closes:
        return Guess("radians", "they close a half or full turn of pi or 2 pi")
    if _is_golden(angles):
        return Guess("radians", "their steps are golden angles in radians")
    if any(abs(t / (np.pi / 6) / k - 1) < EXACT for t in totals for k in range(1, 13)):
        return Guess("radians", "their arc is a simple fraction of pi")
    if _is_round_in_degrees(values):
        return Guess("radians", "they are round numbers of degrees when converted")
    if fills and len(values) >= 20:
        return Guess("radians", "they fill a half or full turn of pi or 2 pi")
    if span > 2 * np.pi + largest:
        return Guess("degrees", "their arc exceeds 2 pi")
    return Guess(None, f"they lie from {values[0]:.6g} to {values[-1]:.6g}, which both units allow")


def contradicts(angles: np.ndarray, unit: Unit) -> str:
    """Why angles cannot well have the unit that is said of them; empty where they can."""
    guess = guess_unit(angles)
    if unit == "degrees" and guess.unit == "radians":
        return guess.why
    values = _distinct(angles)
    if unit == "degrees" or len(values) < 3 or float(np.abs(values).max()) <= 2 * np.pi + CLOSE:
        return ""
    if np.array_equal(values, np.rint(values)):
        return "they are whole numbers beyond 2 pi"
    gaps = np.diff(values)
    span, step = float(np.ptp(values)), float(np.median(gaps))
    arcs = any(t > 89 and abs(t / 30 - round(t / 30)) < 1e-3 for t in (span, span + step))
    if arcs and _is_round(values, bool(np.allclose(gaps, step, rtol=1e-3, atol=0.0))):
        return f"they are round numbers over an arc of {span:.6g}, as degrees are"
    return ""


def _distinct(angles: np.ndarray) -> np.ndarray:
    """Sorted, those that coincide up to rounding once."""
    values = np.unique(angles)
    return values[np.concatenate([[True], np.diff(values) > 1e-5 * float(np.ptp(values))])]


def _is_round(values: np.ndarray, evenly: bool) -> bool:
    """One decimal at most, or three in even steps: radians that were rounded have steps which differ."""
    for decimals in range(4 if evenly else 2):
        scaled = values * 10.0**decimals
        if np.abs(scaled - np.rint(scaled)).max() < 2e-3:
            return True
    return False


def _is_round_in_degrees(values: np.ndarray) -> bool:
    degrees = np.degrees(values)
    per_degree = 20 if np.count_nonzero(np.abs(degrees) > 1e-3) > 2 else 1
    return bool(np.abs(degrees * per_degree - np.rint(degrees * per_degree)).max() < 1e-3 * per_degree)


def _is_golden(angles: np.ndarray) -> bool:
    """Whether views follow at golden angles of half a turn, in radians.

    Lists that grow throughout are told by their mean step, for many an even step in degrees (1.2) is close to one.
    """
    if len(angles) < 4:
        return False
    steps = np.diff(angles)
    grows = bool((steps > 0).all() or (steps < 0).all())
    steps, close = (steps.mean(keepdims=True), 1e-3 / len(steps)) if grows else (steps, 1e-3)
    return any(np.abs((steps - way + np.pi / 2) % np.pi - np.pi / 2).max() < close for way in (GOLDEN, -GOLDEN))

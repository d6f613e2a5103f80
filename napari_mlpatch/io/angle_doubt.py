"""Lists of numbers that stand for angles, but cannot well be degrees as they are: overflown integers, motor counts."""

from __future__ import annotations

import numpy as np

BITS = (8, 16)
MANY_TURNS = 20.0
COARSE = 20.0  # degrees between views, more than which few scans of many turns have
GOLDEN = (1.0 + np.sqrt(5.0)) / 2.0


def overflown(angles: np.ndarray) -> str:
    """That even steps jump by 2⁸ or 2¹⁶, as integers of so few bits do that overflow; empty where they do not.

    Lists that begin again at their first angle are repeats.
    """
    if len(angles) < 4 or not np.array_equal(angles, np.rint(angles)):
        return ""
    steps = np.diff(angles)
    step = float(np.median(steps))
    for bits in BITS:
        size = 2.0**bits
        jumps = np.rint((steps - step) / size)
        even = np.abs(steps - size * jumps - step).max() <= max(1.0, 0.02 * abs(step))
        fits = -size / 2 <= angles.min() and angles.max() < size and np.ptp(angles) < size
        repeats = bool((angles[1:][jumps != 0] == angles[0]).all())
        if jumps.any() and even and fits and step and not repeats:
            at = int(np.argmax(jumps != 0))
            return (
                f"the angles jump from {angles[at]:g} to {angles[at + 1]:g} at position {at + 1} while they go on by "
                f"{step:g} elsewhere, as integers of {bits} bits do that overflow"
            )
    return ""


def motor_counts(angles: np.ndarray) -> str:
    """That degrees ``[n]`` would be turns between views, or many turns in coarse steps; empty where they would not."""
    if len(angles) < 3:
        return ""
    step, span = float(np.median(np.abs(np.diff(angles)))), float(np.ptp(angles))
    if step >= 360.0 or (span > MANY_TURNS * 360.0 and step > COARSE and not _is_golden(step)):
        return (
            f"the angles go from {angles[0]:g} to {angles[-1]:g} in steps of {step:g}, {span / 360.0:.6g} turns if "
            "they were degrees: they look like the counts of a motor"
        )
    return ""


def _is_golden(step: float) -> bool:
    """Whether steps are golden angles of half a turn or a turn, or tiny ones (Wundrak et al., IEEE TMI 34, 2015)."""
    known = np.array([turn / (GOLDEN + n) for turn in (180.0, 360.0) for n in range(10)])
    return bool(min(np.abs(known - step).min(), np.abs(360.0 - known - step).min()) < 0.02)

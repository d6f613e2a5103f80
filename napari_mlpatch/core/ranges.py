"""Many numbers in few words."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 12
"""Ranges that are told one by one."""


def in_ranges(numbers: Sequence[int], step: int = 1) -> str:
    """ "3, 8 to 11" of numbers in their order, which follow on each other in this step; of many ranges the first."""
    starts = [k for i, k in enumerate(numbers) if not i or numbers[i - 1] != k - step]
    stops = [k for i, k in enumerate(numbers) if i + 1 == len(numbers) or numbers[i + 1] != k + step]
    ranges = [f"{a}" if a == b else f"{a} to {b}" for a, b in zip(starts, stops, strict=True)]
    more = len(ranges) - MOST
    return ", ".join(ranges[:MOST]) + (f" and {more} other ranges" if more > 0 else "")

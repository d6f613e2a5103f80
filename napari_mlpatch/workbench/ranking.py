"""The order of results: by a column of the table, the best first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from napari_mlpatch.core.metrics import METRICS

from .entry import Entry

Key = Callable[[Entry], Any]


def by_metric(key: str) -> Key:
    """The better first; what has no such figure last."""
    metric = next(m for m in METRICS if m.key == key)
    sign = -1.0 if metric.better == "higher" else 1.0

    def value(entry: Entry) -> float:
        found = entry.result.metrics.get(key, math.nan) if entry.result else math.nan
        if key == "reduced_chi_square":  # best at 1
            found = abs(found - 1.0)
        return math.inf if math.isnan(found) else sign * found

    return value


def by_title(entry: Entry) -> str:
    return entry.title.lower()


def by_iterations(entry: Entry) -> float:
    return entry.result.iterations if entry.result else math.inf


def by_seconds(entry: Entry) -> float:
    return entry.result.seconds if entry.result else math.inf


def by_memory(entry: Entry) -> float:
    return entry.result.peak_bytes if entry.result else math.inf


KEYS: tuple[Key, ...] = (by_title, by_iterations, *(by_metric(metric.key) for metric in METRICS), by_seconds, by_memory)
"""Of each column of the table."""

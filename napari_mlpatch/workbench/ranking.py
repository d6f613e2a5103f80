"""The order of results: by a column of the table, the best first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from napari_mlpatch.core.metrics import METRICS, Metric

from .entry import Entry

Key = Callable[[Entry], Any]


def by_metric(key: str) -> Key:
    """The better first; what has no such figure last."""
    metric = METRICS.get(key)

    def value(entry: Entry) -> float:
        return metric.order(entry.result.metrics.get(key, math.nan) if entry.result else math.nan)

    return value


def best(metric: Metric, values: Sequence[float]) -> int | None:
    """Which of several values wins; None where no value of this metric does, or there are not two to compare."""
    known = [i for i, value in enumerate(values) if not math.isnan(value)]
    return min(known, key=lambda i: metric.order(values[i])) if metric.ranks and len(known) > 1 else None


def by_title(entry: Entry) -> str:
    return entry.title.lower()


def by_iterations(entry: Entry) -> float:
    return entry.result.iterations if entry.result else math.inf


def by_seconds(entry: Entry) -> float:
    return entry.result.seconds if entry.result else math.inf


def by_memory(entry: Entry) -> float:
    return entry.result.peak_bytes if entry.result else math.inf


def keys() -> tuple[Key, ...]:
    """Of each column of the table."""
    return (by_title, by_iterations, *(by_metric(metric.key) for metric in METRICS), by_seconds, by_memory)

"""The columns of the table of results: what stands in each, and how it sorts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from napari_mlpatch.core.metrics import METRICS, Metric

from .entry import Entry
from .ranking import Key, by_iterations, by_memory, by_metric, by_seconds, by_title
from .words import duration, size

REGION = "▣"
"""Marks the headings of figures in the region of interest."""


@dataclass(frozen=True)
class Column:
    """``text`` is what stands there, ``key`` sorts the best first, ``best`` gives a figure whose smallest is marked."""

    heading: str
    text: Callable[[Entry], str]
    key: Key
    tooltip: str = ""
    best: Callable[[Entry], float] | None = None
    known: Callable[[Entry], bool] | None = None
    """Whether a result has it: the column is hidden where none has. None: all have."""


def columns() -> tuple[Column, ...]:
    """All columns in their order, the name first."""
    return (
        Column("result", title, by_title),
        Column("iterations", iterations, by_iterations),
        *(_of_metric(metric) for metric in METRICS if metric.needs != "region"),
        *(_in_region(metric) for metric in METRICS if metric.per_region),
        Column("time", seconds, by_seconds),
        Column("memory", memory, by_memory),
    )


def title(entry: Entry) -> str:
    line = entry.named.line
    return line if not entry.job.active else f"{line} ({entry.job.state})"


def iterations(entry: Entry) -> str:
    result = entry.result
    if entry.job.active or result is None:
        return str(entry.job.k)
    count = str(result.iterations)
    return f"{count}, not converged" if result.not_converged else f"{count} ⚠" if result.remark else count


def seconds(entry: Entry) -> str:
    return duration(entry.result.seconds if entry.result and not entry.job.active else entry.job.seconds)


def memory(entry: Entry) -> str:
    return size(entry.result.peak_bytes) if entry.result else ""


def value_of(entry: Entry, key: str) -> float:
    """A metric of the result, or of the newest iterate; NaN where there is none."""
    return (entry.result.metrics if entry.result else entry.job.scalars).get(key, math.nan)


def _of_metric(metric: Metric) -> Column:
    key = by_metric(metric.key)
    return Column(
        metric.heading,
        lambda entry: metric.text(value_of(entry, metric.key)),
        key,
        metric.tooltip,
        key if metric.ranks else None,
        lambda entry: entry.result is not None and metric.key in entry.result.metrics,
    )


def _in_region(metric: Metric) -> Column:
    def order(entry: Entry) -> float:
        return metric.order(entry.region.get(metric.key, math.nan))

    return Column(
        f"{metric.heading} {REGION}",
        lambda entry: metric.text(entry.region.get(metric.key, math.nan)),
        order,
        f"In the region of interest: {metric.tooltip}",
        order if metric.ranks else None,
        lambda entry: metric.key in entry.region,
    )

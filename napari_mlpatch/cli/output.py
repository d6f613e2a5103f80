"""What the commands print: tables, numbers with their units, JSON without NaN."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def print_json(value: Any) -> None:
    """One JSON document on standard output; what is not a finite number becomes null."""
    print(json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def finite(value: Any) -> Any:
    """Plain JSON values: tuples as lists, NaN and infinite numbers as None, NumPy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if hasattr(value, "tolist"):
        return finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def say(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, file=sys.stderr)


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Rows of cells in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(indent + line.rstrip() for line in lines)


def number(value: Any) -> str:
    """A number to four digits; ``-`` where there is none."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Bytes in a readable unit."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def shape(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def metrics(found: Mapping[str, float]) -> str:
    """Figures of merit, one on each line; with the data range of those that depend on it."""
    from napari_mlpatch.core.metrics import METRICS

    spread = f", data range {number(found['data_range'])}" if "data_range" in found else ""
    rows = []
    for metric in METRICS:
        if metric.key in found:
            value = f"{metric.form.format(found[metric.key])} {metric.unit}".strip()
            rows.append((metric.title, value + spread * metric.needs_range))
    return table(rows, indent="  ")

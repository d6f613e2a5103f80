"""A sweep as pictures: the contact sheet with its scores, and the L-curve. Drawn off the screen."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.core.metrics import METRICS

from .sweep import Cell, Sweep, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST, PLAIN = "#0a7d2c", "#444444"
WIDE, HIGH = 1.7, 2.0
"""Inches of a picture with its caption."""


def png(figure: Figure, dpi: int = 110) -> bytes:
    """A figure as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(content, format="png", dpi=dpi)
    return content.getvalue()


def rows_of(sweep: Sweep) -> list[list[int]]:
    """The numbers of the cells as they lie on the sheet.

    With one axis a row for each method; with two, a row for each value of the first one.
    """
    rows: dict[tuple, list[int]] = {}
    for i, cell in enumerate(sweep.cells):
        named = [value for name, value in cell.values.items() if len(cell.values) > 1 and name == sweep.axes[0].name]
        rows.setdefault((cell.method, cell.weights, *map(str, named)), []).append(i)
    return list(rows.values())


def score(cell: Cell, key: str | None) -> str:
    """The figure that ranks, as a caption has it."""
    metric = None if key is None else METRICS.get(key)
    value = math.nan if metric is None else cell.metrics.get(metric.key, math.nan)
    if metric is None or math.isnan(value):
        return ""
    return f"{metric.title} {metric.text(value)} {metric.unit}".strip()


def limits_of(pictures: Sequence[np.ndarray]) -> tuple[float, float]:
    """Contrast limits that all pictures share: percentiles, so that one wild picture does not darken the others."""
    if not pictures:
        return 0.0, 1.0
    ends = np.array([np.percentile(p.ravel()[:: max(1, p.size // 50_000)], (0.5, 99.5)) for p in pictures])
    low, high = np.median(ends, axis=0)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def contact_sheet(sweep: Sweep) -> Figure:
    """All pictures in one grey scale, each with its values and its score, the best one framed in green."""
    from matplotlib.figure import Figure

    rows = rows_of(sweep)
    columns = max(map(len, rows))
    low, high = limits_of([cell.picture for cell in sweep.cells if cell.picture is not None])
    figure = Figure(figsize=(WIDE * columns + 0.2, HIGH * len(rows) + 0.3), facecolor="white", layout="constrained")
    places = figure.subplots(len(rows), columns, squeeze=False)
    for axes in places.ravel():
        axes.set_axis_off()
    for row, line in zip(rows, places, strict=True):
        for i, axes in zip(row, line, strict=False):
            cell, is_best = sweep.cells[i], i == sweep.best
            axes.set_axis_on()
            axes.set_xticks([])
            axes.set_yticks([])
            if cell.picture is not None:
                axes.imshow(cell.picture, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            else:
                axes.text(0.5, 0.5, _wrapped(cell.error or "not run"), ha="center", va="center", fontsize=5, wrap=True)
            for spine in axes.spines.values():
                spine.set_color(BEST if is_best else "#cccccc")
                spine.set_linewidth(3.0 if is_best else 0.6)
            head = [cell.method] if len({c.method for c in sweep.cells}) > 1 else []
            head += [f"{name} = {written(value)}" for name, value in cell.values.items()]
            axes.set_title("\n".join(head), fontsize=7, color=PLAIN, pad=2)
            axes.set_xlabel(
                score(cell, sweep.ranked_by) + (" (best)" if is_best else ""),
                fontsize=7,
                color=BEST if is_best else PLAIN,
                fontweight="bold" if is_best else "normal",
                labelpad=2,
            )
    return figure


def l_curve(sweep: Sweep) -> Figure | None:
    """The L-curve of each method, in double logarithmic scale, with its corner; None with less than two points."""
    from matplotlib.figure import Figure

    lines: dict[tuple[str, str], list[Cell]] = {}
    for cell in sweep.cells:
        if all(math.isfinite(v) and v > 0 for v in cell.lengths):
            lines.setdefault((cell.method, cell.penalty), []).append(cell)
    if not lines or max(map(len, lines.values())) < 2:
        return None
    figure = Figure(figsize=(5.0, 4.0), facecolor="white", layout="constrained")
    axes = figure.subplots()
    for (method, size), cells in lines.items():
        residuals, sizes = zip(*(cell.lengths for cell in cells), strict=True)
        axes.loglog(residuals, sizes, "o-", markersize=4, linewidth=1, label=f"{method}: {size}")
        if len(lines) == 1:
            for cell in cells:
                text = ", ".join(written(value) for value in cell.values.values())
                axes.annotate(text, cell.lengths, fontsize=6, xytext=(4, 4), textcoords="offset points")
    if sweep.corner is not None:
        point = sweep.cells[sweep.corner.index].lengths
        axes.plot(*point, "s", markersize=11, markerfacecolor="none", color=BEST, label="corner")
    axes.set_xlabel("‖A x - y‖")
    axes.set_ylabel(next(iter(lines))[1] if len(lines) == 1 else "penalty")
    axes.legend(fontsize=7)
    axes.tick_params(which="minor", labelsize=6)
    axes.grid(True, which="both", linewidth=0.3, alpha=0.5)
    return figure


def _wrapped(text: str, width: int = 34) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width)[:9])

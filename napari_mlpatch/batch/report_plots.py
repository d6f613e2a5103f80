"""The plots of a benchmark: how far each method's runs spread, and how fast they come there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.core.metrics import METRICS

from .benchmark import Run
from .benchmark_recipe import BenchmarkRecipe
from .summary import Standing, ranked_by

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9.0  # inches


def spread_plot(recipe: BenchmarkRecipe, runs: Sequence[Run], ranking: Sequence[Standing]) -> Figure | None:
    """Every run as a dot, a line of dots for each method, the best on top; colours are images; the bar is the mean."""
    from matplotlib.figure import Figure

    key = ranked_by(runs)
    good = [run for run in runs if not run.error and key in run.metrics]
    if key is None or not good:
        return None
    figure = Figure(figsize=(WIDTH, 0.9 + 0.36 * len(ranking)), facecolor="white", layout="constrained")
    axes = figure.subplots()
    for place, one in enumerate(ranking):
        own = [run for run in good if run.method == one.method]
        if own:
            values = [run.metrics[key] for run in own]
            shift = np.linspace(-0.18, 0.18, len(own)) if len(own) > 1 else np.zeros(1)
            axes.scatter(values, place + shift, s=18, c=[f"C{run.image % 10}" for run in own], zorder=3)
            axes.plot([np.mean(values)] * 2, [place - 0.36, place + 0.36], color="#1c2126", linewidth=2, zorder=2)
    axes.set_yticks(range(len(ranking)), [one.title for one in ranking])
    axes.set_ylim(len(ranking) - 0.5, -0.5)
    axes.set_xlabel(METRICS.get(key).heading + ("; a colour for each image" if len(recipe.images) > 1 else ""))
    axes.grid(True, axis="x", linewidth=0.4, alpha=0.6)
    return figure


def convergence(recipe: BenchmarkRecipe, runs: Sequence[Run], ranking: Sequence[Standing]) -> Figure | None:
    """PSNR of the first image and seed, over iterations and over seconds; methods of one step are points."""
    from matplotlib.figure import Figure

    own = [run for run in runs if run.image == 0 and run.seed == recipe.seeds[0] and not run.error]
    own = [run for run in own if any("psnr" in row for row in run.history)]
    if not own:
        return None
    own.sort(key=lambda run: [one.method for one in ranking].index(run.method))
    figure = Figure(figsize=(WIDTH, 3.6), facecolor="white", layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    for run in own:
        rows = [row for row in run.history if "psnr" in row]
        for axes, over in zip(both, ("k", "seconds"), strict=True):
            style = "o" if len(rows) == 1 else "-"
            title = recipe.methods[run.method].title
            axes.plot([row[over] for row in rows], [row["psnr"] for row in rows], style, label=title)
    for axes, label in zip(both, ("iteration", "seconds"), strict=True):
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.grid(True, linewidth=0.4, alpha=0.6)
    both[0].set_ylabel("PSNR / dB")
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure

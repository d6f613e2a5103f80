"""Published figures, computed again with this program: ``mlpatch reproduce ROW``."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable
from typing import Any

from napari_mlpatch import weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of

from . import denoising, equilibrium, learned, plug_and_play, shepp_logan, tables
from .figure import Figure, Given

FIGURES: dict[str, Figure] = {
    **shepp_logan.ROWS,
    **learned.ROWS,
    **denoising.ROWS,
    **plug_and_play.ROWS,
    **equilibrium.ROWS,
    **tables.ROWS,
}
"""All rows by name."""


def run(
    row: str,
    *,
    seeds: int | None = None,
    data: str | os.PathLike[str] | None = None,
    slices: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Compute a row over the noise seeds 0 to ``seeds - 1``; as many as are usual for the row by default.

    Gives ``row, published, ours, tolerance, seeds, passed``, and ``unit, title, source, values`` (one for each seed),
    ``std`` (over the seeds, NaN for one) and ``also`` (means of the other metrics). ``data`` is the folder of images
    that some rows need; of rows over sets of images, ``slices`` limits how many of each are taken, evenly. ``tell`` is
    given a line of text before each piece of work, the first one with about how long all of it takes. Where weights
    that the row needs do not come with this copy of the program, ``skipped`` says so, and ``ours`` and ``passed`` are
    None. Raises InputError where the row is unknown or the folder missing.
    """
    if row not in FIGURES:
        raise InputError(f"There is no published row {row!r}. There are: {', '.join(FIGURES)}.")
    figure = FIGURES[row]
    seeds = figure.seeds if seeds is None else seeds
    if seeds < 1:
        raise InputError(f"At least one noise seed is needed, got {seeds}.")
    if slices is not None and not figure.images:
        may = ", ".join(name for name, other in FIGURES.items() if other.images)
        raise InputError(
            f"The row {row!r} cannot be limited to {slices} slices: it is one picture with several seeds of noise, "
            f"which --seeds limits. Over sets of images are {may}."
        )
    if slices is not None and slices < 1:
        raise InputError(f"The row {row!r} cannot be limited to {slices} slices: from 1 on.")
    folder = None if data is None else path_of(data, "--data")
    if figure.data and (folder is None or not folder.is_dir()):
        given = "none was given" if folder is None else f"{folder} is no folder"
        raise InputError(f"The row {row!r} needs images: {given}. Say --data FOLDER, with {figure.data}.")
    missing = [name for name in figure.weights if not weights.is_shipped(name)]
    if missing:
        return _answer(row, figure, None, 0, None) | {"skipped": _why_skipped(missing)}
    tell(_expected(figure, seeds, figure.count(folder is not None, slices)))
    given = Given(folder, slices, tell)
    told = given.each(range(seeds), "noise seed") if seeds > 1 else [0]
    found = [figure.measure(seed, given) for seed in told]
    values = [metrics[figure.metric] for metrics in found]
    ours = statistics.fmean(values)
    return _answer(row, figure, ours, seeds, figure.passed(ours)) | {
        "values": values,
        "std": statistics.stdev(values) if seeds > 1 else math.nan,
        "also": {key: statistics.fmean(m[key] for m in found) for key in found[0] if key != figure.metric},
    }


def _expected(figure: Figure, seeds: int, images: int) -> str:
    """What is to be computed, and about how long that takes."""
    seconds = figure.expected(seeds, images)
    long = f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"
    less = {"--seeds": seeds, "--slices": images}
    fewer = " or ".join(option for option, count in less.items() if count > 1)
    return f"{figure.title}: about {long} on one core, more where it is busy" + (
        f". Less with fewer {fewer}." if fewer and seconds > 60 else "."
    )


def _answer(row: str, figure: Figure, ours: float | None, seeds: int, passed: bool | None) -> dict[str, Any]:
    return {
        "row": row,
        "published": figure.published,
        "ours": ours,
        "tolerance": figure.tolerance,
        "seeds": seeds,
        "passed": passed,
        "unit": figure.unit,
        "title": figure.title,
        "source": figure.source,
    }


def _why_skipped(missing: list[str]) -> str:
    recipes = ", ".join(f"`mlpatch train {name}`" for name in missing)
    return f"the weights {', '.join(missing)} do not come with this copy of the program ({recipes} makes them)"

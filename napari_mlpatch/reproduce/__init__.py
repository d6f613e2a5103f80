"""Published figures, computed again with this program: ``mlpatch reproduce ROW``."""

from __future__ import annotations

import math
import os
import statistics
from typing import Any

from napari_mlpatch import weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of

from . import denoising, equilibrium, learned, plug_and_play, shepp_logan, tables
from .figure import Figure

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
) -> dict[str, Any]:
    """Compute a row over the noise seeds 0 to ``seeds - 1``; as many as are usual for the row by default.

    Gives ``row, published, ours, tolerance, seeds, passed``, and ``unit, title, source, values`` (one for each seed),
    ``std`` (over the seeds, NaN for one) and ``also`` (means of the other metrics). ``data`` is the folder of images
    that some rows need; of those that are tables, ``slices`` limits their number. Where weights that the row needs do
    not come with this copy of the program, ``skipped`` says so, and ``ours`` and ``passed`` are None. Raises InputError
    where the row is unknown or the folder missing.
    """
    if row not in FIGURES:
        raise InputError(f"There is no published row {row!r}. There are: {', '.join(FIGURES)}.")
    figure = FIGURES[row]
    seeds = figure.seeds if seeds is None else seeds
    if seeds < 1:
        raise InputError(f"At least one noise seed is needed, got {seeds}.")
    if slices is not None and (slices < 1 or not figure.limited):
        may = ", ".join(name for name, other in FIGURES.items() if other.limited)
        raise InputError(f"The row {row!r} cannot be limited to {slices} slices: from 1 on, of {may}.")
    folder = None if data is None else path_of(data, "--data")
    if figure.data and (folder is None or not folder.is_dir()):
        given = "none was given" if folder is None else f"{folder} is no folder"
        raise InputError(f"The row {row!r} needs images: {given}. Say --data FOLDER, with {figure.data}.")
    missing = [name for name in figure.weights if not weights.is_shipped(name)]
    if missing:
        return _answer(row, figure, None, 0, None) | {"skipped": _why_skipped(missing)}
    given = (folder,) if slices is None else (folder, slices)
    found = [figure.measure(seed, *given) for seed in range(seeds)]
    values = [metrics[figure.metric] for metrics in found]
    ours = statistics.fmean(values)
    return _answer(row, figure, ours, seeds, figure.passed(ours)) | {
        "values": values,
        "std": statistics.stdev(values) if seeds > 1 else math.nan,
        "also": {key: statistics.fmean(m[key] for m in found) for key in found[0] if key != figure.metric},
    }


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

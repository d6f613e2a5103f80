"""Panels of a figure from the files of results, with their truth, errors and figures of merit."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch import io, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.metrics import METRICS, evaluate
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import methods
from napari_mlpatch.figures import Panel
from napari_mlpatch.figures.write import about
from napari_mlpatch.torch_later import Tensor

from .replay import as_batch, open_problem, read_recipe

DEFAULT = ("psnr", "ssim")


@dataclass(frozen=True)
class Panels:
    """Panels, and the size ``(height, width)`` of a pixel in ``unit``, empty where that is not known."""

    panels: tuple[Panel, ...]
    scale: tuple[float, float] = (1.0, 1.0)
    unit: str = ""


def panels_of(
    files: Sequence[str | os.PathLike[str]],
    *,
    labels: Sequence[str] = (),
    metrics: Iterable[str] | None = None,
    truth: bool = True,
    item: int = 0,
) -> Panels:
    """A panel of each picture, behind one of the truth where the recipe of the first knows it.

    The data that a recipe names are opened for the figures of merit; where they are gone, the picture is shown without.
    ``item`` is the slice of a stack. Raises InputError for files that are no pictures, and for unknown metrics.
    """
    wanted = check_metrics(DEFAULT if metrics is None else metrics)
    if labels and len(labels) != len(files):
        raise InputError(f"There are {len(files)} pictures, but {len(labels)} labels. Give one for each.")
    if not files:
        raise InputError("A figure needs at least one picture.")
    found: list[Panel] = []
    size: tuple[float | None, str | None] = (None, None)
    for i, path in enumerate(files):
        array, recipe, problem = _opened(path)
        label = labels[i] if labels else _name(path, recipe)
        size = size if size[0] else io.read_pixel_size(path)
        if problem is None:
            known = {} if recipe is None else {"recipe": about(recipe)}
            found.append(Panel(_plane(path, array, item), label, about=known))
            continue
        x = as_batch(array, problem)
        if not found and truth and problem.truth is not None:
            found.append(Panel(shown(problem, problem.truth, item), "truth"))
        values = evaluate(x, problem) if wanted else {}
        found.append(panel(problem, x, label, values, wanted, recipe, item))
    pixel, unit = size
    return Panels(tuple(found), (pixel or 1.0, pixel or 1.0), unit or "")


def panel(
    problem: Problem,
    x: Tensor,
    label: str,
    values: Mapping[str, float],
    keys: Sequence[str] = DEFAULT,
    recipe: dict[str, Any] | None = None,
    item: int = 0,
) -> Panel:
    """The panel of a picture of a problem, with the figures of merit of these keys that there are."""
    picture = shown(problem, x, item)
    error = None if problem.truth is None else picture - shown(problem, problem.truth, item)
    known = {"metrics": {k: v for k, v in values.items() if math.isfinite(v)}}
    known |= {} if recipe is None else {"recipe": about(recipe)}
    return Panel(picture, label, lines_of(values, keys), error, known)


def shown(problem: Problem, x: Tensor, item: int = 0) -> np.ndarray:
    """What is shown of a picture ``[B, C, *space]``: one slice, complex ones by their magnitude."""
    picture = problem.A.picture(x)
    if not 0 <= item < len(picture):
        raise InputError(f"There are slices 0 to {len(picture) - 1}, got {item}.")
    return picture[item, 0].detach().cpu().numpy()


def lines_of(values: Mapping[str, float], keys: Sequence[str]) -> tuple[str, ...]:
    """One line: the figures of merit with their names and units."""
    known = {metric.key: metric for metric in METRICS}
    texts = [
        " ".join(filter(None, [known[k].title, known[k].form.format(values[k]), known[k].unit]))
        for k in keys
        if k in values and not math.isnan(values[k])
    ]
    return tuple(texts)


def check_metrics(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys. Raises InputError for unknown ones."""
    known = [metric.key for metric in METRICS]
    chosen = tuple(key for key in keys if key)
    unknown = [key for key in chosen if key not in known]
    if unknown:
        raise InputError(f"Unknown figure(s) of merit {', '.join(unknown)}. Known: {', '.join(known)}.")
    return chosen


def _opened(path: str | os.PathLike[str]) -> tuple[np.ndarray, dict[str, Any] | None, Problem | None]:
    array, recipe = io.read_image(path)
    if recipe is None:
        return array, None, None
    known, _ = read_recipe(path)
    try:
        return array, recipe, open_problem(known)
    except InputError:  # the data are gone: the picture is still there
        return array, recipe, None


def _name(path: str | os.PathLike[str], recipe: dict[str, Any] | None) -> str:
    """Method and weights, or the file's name."""
    if recipe is None:
        return os.path.splitext(os.path.basename(path))[0]
    known = Recipe.from_json(recipe)
    trained = [card.name for card in weights.available() if card.sha256 == known.weights]
    return " ".join([methods.get(known.method.name).__name__, *trained])


def _plane(path: str | os.PathLike[str], array: np.ndarray, item: int) -> np.ndarray:
    array = np.abs(array) if np.iscomplexobj(array) else array
    stack = array.reshape(-1, *array.shape[-2:])
    if not 0 <= item < len(stack):
        raise InputError(f"{path} has slices 0 to {len(stack) - 1}, got {item}.")
    return stack[item]

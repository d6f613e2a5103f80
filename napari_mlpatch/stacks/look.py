"""What is looked at before all slices are run: what a stack holds, what it costs, one slice with and without care."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from .care.axis_line import AxisLine
from .care.leaning import find_leaning_axis
from .job import Job, Tools
from .sizing import Size, needs, size_of
from .source import open_stack
from .stack_recipe import StackRecipe

STRIP = 5
"""Slices that are tried, spread over the stack."""


@dataclass(frozen=True)
class Facts:
    """``count`` slices of one ``shape``; ``kind``, ``gap``, ``places`` as in ``Source``; ``center`` is the recipe's."""

    count: int
    shape: tuple[int, ...]
    kind: str
    center: float | None
    notes: tuple[str, ...] = ()
    gap: str = ""
    places: tuple[int, ...] = ()

    def place(self, index: int) -> int:
        """The place in the stack of a slice whose number was counted among the files that are there."""
        return self.places[index] if index < len(self.places) else index


@dataclass(frozen=True)
class Cared:
    """Slice ``index`` without and with its steps of care: sinograms ``[angles, bins]``, pictures ``[rows, columns]``.

    ``picture_before`` is None where the data fit the recipe's operator only after the care.
    """

    index: int
    before: np.ndarray
    after: np.ndarray
    picture_before: np.ndarray | None
    picture_after: np.ndarray


def facts_of(recipe: StackRecipe, source: Any) -> Facts:
    """What is in the stack. Raises InputError where the recipe is of something else."""
    stack = open_stack(source, recipe.recipe)
    params = recipe.recipe.operator.params
    center = None
    if stack.kind == "sinogram":
        bins = params.get("detector_count") or stack.shape[-1]
        center = (bins - 1) / 2 if params.get("center") is None else float(params["center"])
    return Facts(stack.count, stack.shape, stack.kind, center, stack.notes, stack.gap, stack.places)


def cost_of(recipe: StackRecipe, source: Any) -> Size:
    """Slices of a block and its memory, from a trial of the middle slice. Raises InputError where it cannot run."""
    tools = Tools(Job(recipe.to_json(), str(source)))
    return size_of(tools, needs(tools))


def spread(first: int, last: int, most: int = STRIP, places: tuple[int, ...] = ()) -> list[int]:
    """So many slices of ``first`` to ``last`` (not included), both ends among them, of those that are there."""
    there = [k for k in places if first <= k < last] or range(first, last)
    return sorted({there[round(k)] for k in np.linspace(0, len(there) - 1, min(most, len(there)))})


def cared_slice(recipe: StackRecipe, source: Any, index: int) -> Cared:
    """A slice without and with the steps of care. Raises InputError, with the name of the step."""
    tools = Tools(Job(recipe.to_json(), str(source)))
    plain = Tools(Job(recipe.model_copy(update={"care": ()}).to_json(), str(source)), tools.source)
    plain.A = tools.A  # with its tables
    rough, fine = plain.load(index, index + 1), tools.load(index, index + 1)
    after = tools.compute(fine, index)
    assert after is not None, "nobody ends it"
    try:
        before = plain.compute(rough, index)
    except InputError:
        before = None
    return Cared(index, rough[0][0], fine[0][0], None if before is None else before[0], after[0])


def axis_of(recipe: StackRecipe, source: Any) -> AxisLine:
    """Where the rotation axis lies at each height, from a few slices and, where it leans, rows around them.

    Raises InputError where none is found.
    """
    stack = open_stack(source, recipe.recipe)
    if stack.kind != "sinogram":
        raise InputError(f"Only sinograms have an axis of rotation, {stack.path} holds {stack.kind}.")
    first, last = recipe.range(stack.count)
    rows = spread(first, last, places=stack.places)
    geometry = stack.geometry(first, first + 1)
    assert geometry is not None
    return find_leaning_axis(stack.read, rows, geometry.angles_deg, stack.count)

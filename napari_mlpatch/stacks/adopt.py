"""A recipe that was tuned on another file: how a stack was measured is said by the stack, not by that file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.declare import parse_angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of

if TYPE_CHECKING:
    from .source import Source
    from .stack_recipe import StackRecipe

SAME_DEG = 1e-4
"""Angles that differ by less, in degrees, are the same in single precision."""
CHOSEN = ("center", "angles_deg", "image_shape", "pixel_size")
"""Parameters of an operator that may differ from a file's: tuned, taken from the stack, or a choice of pixels."""


def adopted(recipe: StackRecipe, source: Source) -> tuple[StackRecipe, tuple[str, ...]]:
    """The recipe with the angles of the stack, where it was tuned on another file with others, and notes on that.

    Where it was tuned on this file it stays as it is: somebody may have corrected the operator. Raises InputError where
    a length of the measurement is another one, because that changes the scale of all values.
    """
    operator = recipe.recipe.operator
    if _is_tuned_on(recipe, source):
        return recipe, ()
    wrong = _others(operator.params, source)
    if wrong:
        raise InputError(f"{source.path} was measured in another way than the slice of the recipe: {wrong}. {TUNE}")
    geometry, given = source.geometry(0, 1), operator.params.get("angles_deg")
    if geometry is None or given is None:
        return recipe, ()
    mine, here = np.asarray(parse_angles(given), float), np.asarray(geometry.angles_deg, float)
    if mine.shape != here.shape or np.abs(mine - here).max() <= SAME_DEG:
        return recipe, ()  # another number of them is told where the operator is applied
    params = {**operator.params, "angles_deg": here.tolist()}
    changed = recipe.recipe.model_copy(update={"operator": operator.model_copy(update={"params": params})})
    note = (
        f"the recipe was tuned on another file, whose angles differ by up to {np.abs(mine - here).max():.4g} degrees: "
        f"those of {source.path.name} are taken"
    )
    return recipe.model_copy(update={"recipe": changed}), (note,)


TUNE = "Take a recipe that was tuned on a slice of this stack."


def _is_tuned_on(recipe: StackRecipe, source: Source) -> bool:
    name = recipe.recipe.data.source.get("path")
    return not isinstance(name, str) or path_of(name) == source.path


def _others(params: dict[str, Any], source: Source) -> str:
    """The parameters that are not those of the stack, in words; "" where none is."""
    wrong = []
    for name, value in source.measured.items():
        mine = params.get(name, value)
        if name not in CHOSEN and not _is_same(mine, value):
            wrong.append(f"{name} is {str(value)[:40]} there, {str(mine)[:40]} in the recipe")
    return "; ".join(wrong)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return bool(np.isclose(one, other, rtol=1e-4))
    return json.dumps(one) == json.dumps(other)  # tuples are lists

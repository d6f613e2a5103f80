"""The training recipes that come with the program: those of its weights."""

from __future__ import annotations

import os
from pathlib import Path

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.paths import bundled

from .recipe import TrainingRecipe

FOLDER = "resources/recipes"


def shipped_recipes() -> dict[str, Path]:
    """Their files, by name."""
    try:
        return {path.stem: path for path in sorted(bundled(FOLDER).glob("*.json"))}
    except FileNotFoundError:
        return {}


def find_recipe(name: str | os.PathLike[str]) -> TrainingRecipe:
    """The recipe in a file, or the shipped one of that name. Raises InputError with the known names."""
    shipped = shipped_recipes()
    if not isinstance(name, str) or Path(name).suffix or os.sep in name or os.path.exists(name):
        return TrainingRecipe.read(name)
    if name not in shipped:
        raise InputError(
            f"There is no training recipe {name!r}: neither a file here nor one that comes with the program "
            f"({', '.join(shipped) or 'none'})."
        )
    return TrainingRecipe.read(shipped[name])

"""The state of a training on disk: complete or not there at all."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from napari_mlpatch.core.errors import InputError

from .recipe import TrainingRecipe

NAME = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any], recipe: TrainingRecipe) -> None:
    """Write tensors and numbers with the recipe; an older checkpoint is replaced in one step."""
    temporary = folder / f".{NAME}.{os.getpid()}"
    try:
        torch.save({"recipe": recipe.to_json(), **state}, temporary)
        os.replace(temporary, folder / NAME)
    except (OSError, RuntimeError) as error:
        raise InputError(f"The checkpoint cannot be written to {folder}: {error}. Free some space there.") from None
    finally:
        temporary.unlink(missing_ok=True)


def load(folder: Path, recipe: TrainingRecipe) -> dict[str, Any]:
    """Read a checkpoint of this recipe. Raises InputError where there is none, or one of another recipe.

    Device, threads and intervals of reports may differ, and the number of steps: the learning rate then follows the
    new schedule from there on.
    """
    path = folder / NAME
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"There is no checkpoint {path} to resume from. Start anew.") from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise InputError(f"The checkpoint {path} cannot be read: {str(error).splitlines()[0]}.") from None
    if not isinstance(state, dict) or "recipe" not in state:
        raise InputError(f"{path} is no checkpoint of a training.")
    free = {"steps", "device", "threads", "validate_every", "checkpoint_minutes", "snapshots", "store", "title"}
    before = TrainingRecipe.from_json(state["recipe"]).model_dump(exclude=free)
    now = recipe.model_dump(exclude=free)
    changed = [key for key in now if now[key] != before[key]]
    if changed:
        raise InputError(
            f"The checkpoint {path} is of another recipe: {', '.join(changed)} differ. Start anew, or elsewhere."
        )
    return state

"""The state of a training on disk: complete or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from napari_mlpatch.core.claim import Claim
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import clean_up, reason_of, replacing_file

from . import snapshots
from .recipe import TrainingRecipe

NAME = "checkpoint.pt"
BEFORE = "before"
"""The folder, inside that of a training, for the one that was there before it."""
CONTENT = {"recipe", "network", "average", "optimiser", "k", "seconds"}
SCHEDULE = {"steps", "minutes", "lr", "warmup", "clip"}
FREE = SCHEDULE | {
    "device",
    "graph",
    "threads",
    "validate_every",
    "checkpoint_minutes",
    "snapshots",
    "store",
    "title",
    "start_from",
}
"""What may differ in the recipe that a training goes on with."""


class Unwritten(InputError):
    """A checkpoint could not be written; the training itself is as it should be."""


def make(folder: Path) -> None:
    """The folder of a training. Raises InputError where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {reason_of(error)}.") from None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within, no other training writes to the folder. Raises InputError where one does already, with who that is."""
    claim = Claim(folder, folder)
    with suppress(OSError):  # not there, or read-only: what reads or writes there next says so
        claim.take()
    try:
        yield
    finally:
        claim.give_back()


def save(folder: Path, state: dict[str, Any], recipe: TrainingRecipe) -> None:
    """Write tensors and numbers with the recipe; an older checkpoint is replaced in one step. Raises Unwritten."""
    try:
        clean_up(folder)
        with replacing_file(folder / NAME) as temporary, temporary.open("wb") as file:
            torch.save({"recipe": recipe.to_json(), **state}, file)
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # PyTorch's own tells nothing of the disk
        reason = reason_of(cause) if isinstance(cause, OSError) else f"{error}. Free some space there"
        older = " The one before is still there: resume from it." if (folder / NAME).is_file() else ""
        raise Unwritten(f"The checkpoint cannot be written to {folder}: {reason}.{older}") from None


def load(folder: Path, recipe: TrainingRecipe) -> dict[str, Any]:
    """Read a checkpoint of this recipe. Raises InputError where there is none, or one of another recipe.

    Device, threads and intervals of reports may differ, and the number of steps and minutes, ``lr``, ``warmup`` and
    ``clip``: the learning rate then follows the new schedule from there on.
    """
    path = folder / NAME
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        older = f", or resume the older training in {folder / BEFORE}" if (folder / BEFORE / NAME).is_file() else ""
        raise InputError(f"There is no checkpoint {path} to resume from. Start anew{older}.") from None
    except Exception as error:  # of a damaged file PyTorch's reader raises whatever it stumbles over
        reason = " ".join([f"{type(error).__name__}:", *str(error).splitlines()[:1]])
        raise InputError(f"The checkpoint {path} cannot be read ({reason}). Start anew.") from None
    if not isinstance(state, dict) or not state.keys() >= CONTENT:
        raise InputError(f"{path} is no checkpoint of a training. Start anew, or elsewhere.")
    try:
        before = TrainingRecipe.from_json(state["recipe"]).model_dump(exclude=FREE)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    now = recipe.model_dump(exclude=FREE)
    changed = [key for key in now if now[key] != before[key]]
    if changed:
        raise InputError(
            f"The checkpoint {path} is of another recipe: {', '.join(changed)} differ. Start anew, or elsewhere."
        )
    if state["k"] > recipe.steps:
        raise InputError(
            f"The training in {path} has done {state['k']} steps already, the recipe asks for {recipe.steps}. "
            "Raise steps, or start anew."
        )
    return state


def set_aside(folder: Path) -> None:
    """Move the checkpoint of an older training and its snapshots, if any, to ``before/``, where it can be resumed.

    What was there is replaced. Raises InputError where that is impossible.
    """
    if not (folder / NAME).is_file():
        return
    older = folder / BEFORE
    try:
        older.mkdir(exist_ok=True)
        (older / NAME).unlink(missing_ok=True)  # first: it is never seen beside snapshots that are not its own
        snapshots.move(folder, older)
        os.replace(folder / NAME, older / NAME)
    except OSError as error:
        raise InputError(
            f"The older training cannot be moved to {older}: {error.strerror or error}. Choose another folder."
        ) from None

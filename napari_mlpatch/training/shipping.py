"""From a finished training to weights with their card."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.weights import Card

from .loop import Trained
from .recipe import TrainingRecipe
from .start import hash_of_start


def ship(trained: Trained, recipe: TrainingRecipe, folder: str | os.PathLike[str], licence: str | None = None) -> Card:
    """Write ``NAME.safetensors`` and its card ``NAME.json`` into a folder, both named like the recipe.

    ``licence`` is that of the data by default. Raises InputError where the folder cannot be written.
    """
    made_of = networks.describe(trained.network)
    training = recipe.model_dump(mode="json")
    start = trained.start  # also that of a checkpoint, which the recipe that it is resumed with need not repeat
    if start is None and recipe.start_from is not None:
        start = hash_of_start(recipe.start_from)
    if start is not None:
        training["start_from"] = start
    return weights.save(
        folder,
        {name: _as_stored(value, recipe) for name, value in trained.network.state_dict().items()},
        name=recipe.name,
        title=recipe.title,
        method=architectures.get(made_of["name"]).method,
        architecture=Description(name=made_of["name"], params=made_of["params"]),
        **recipe.task.card(),
        data=recipe.data.words,
        steps=trained.steps,
        seed=recipe.seed,
        training=training,
        metrics=trained.metrics,
        licence=licence or recipe.data.terms,
    )


def _as_stored(value: Tensor, recipe: TrainingRecipe) -> Tensor:
    return value.to(getattr(torch, recipe.store)) if value.is_floating_point() else value

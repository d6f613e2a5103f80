"""From a finished training to weights with their card."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.weights import Card

from .loop import Trained
from .recipe import Files, TrainingRecipe


def ship(trained: Trained, recipe: TrainingRecipe, folder: str | os.PathLike[str], licence: str | None = None) -> Card:
    """Write ``NAME.safetensors`` and its card ``NAME.json`` into a folder, both named like the recipe.

    ``licence`` is that of the data by default. Raises InputError where the folder cannot be written.
    """
    data = recipe.data
    if isinstance(data, Files):
        words, terms = data.about or ", ".join(data.paths), data.licence or "unknown"
    else:
        words, terms = f"{data.count} synthetic images ({data.kind}) of {data.size} x {data.size} pixels", "none needed"
    made_of = networks.describe(trained.network)
    return weights.save(
        folder,
        {name: _as_stored(value, recipe) for name, value in trained.network.state_dict().items()},
        name=recipe.name,
        title=recipe.title,
        method="denoiser",
        architecture=Description(name=made_of["name"], params=made_of["params"]),
        noise=Description(name="gaussian", params={"sigma": list(recipe.sigma)}),
        data=words,
        steps=trained.steps,
        seed=recipe.seed,
        training=recipe.model_dump(mode="json"),
        metrics=trained.metrics,
        licence=licence or terms,
    )


def _as_stored(value: Tensor, recipe: TrainingRecipe) -> Tensor:
    return value.to(getattr(torch, recipe.store)) if value.is_floating_point() else value

"""A recipe to start from."""

from __future__ import annotations

from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import architectures

from .recipe import Synthetic, TrainingRecipe

EXAMPLE = TrainingRecipe(
    name="my-denoiser",
    title="My denoiser",
    network=Description(name="mlpatch", params=architectures.get("mlpatch").start),
    data=Synthetic(kind="dead-leaves"),
    images=64,
    pixels=64,
    steps=5000,
    lr=2e-3,
)

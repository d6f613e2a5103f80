"""A recipe to start from."""

from __future__ import annotations

from napari_mlpatch.core.recipe import Description

from .recipe import Synthetic, TrainingRecipe

SMALL = {
    "geometry": "round",
    "rings": 8,
    "rays": 16,
    "radius": 6.0,
    "head": "mlp",
    "widths": [224, 224, 224],
    "subtract_mean": True,
}
"""A network that is fast on a CPU."""

EXAMPLE = TrainingRecipe(
    name="my-denoiser",
    title="My denoiser",
    network=Description(name="mlpatch", params=SMALL),
    data=Synthetic(kind="dead-leaves"),
    images=64,
    pixels=64,
    steps=5000,
    lr=2e-3,
)

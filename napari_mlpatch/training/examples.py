"""Recipes to start from."""

from __future__ import annotations

import math

from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import architectures, noises, operators

from .recipe import TrainingRecipe
from .sources.drawn import DeadLeaves, Ellipses
from .tasks import Denoise, Reconstruct

ANGLES = 30


def example_operator(size: int) -> tuple[Operator, Noise]:
    """30 parallel projections of pictures of size x size pixels, and 2 % noise."""
    A = operators.get("parallel-beam")(
        image_shape=(size, size), angles_deg=f"0:180:{ANGLES}", detector_count=2 * math.ceil(size * 0.71) + 3
    )
    return A, noises.get("gaussian")(relative=0.02)


def example(architecture: str) -> TrainingRecipe:
    """A recipe for a small network of an architecture that needs no data. Raises InputError for unknown names.

    Denoisers learn from dead leaves, reconstructors to make pictures of 64 x 64 pixels of 30 parallel projections of
    ellipses with 2 % noise.
    """
    cls = architectures.get(architecture)
    network = Description(name=architecture, params=dict(cls.start))
    if cls.method == "denoiser":
        return TrainingRecipe(
            name="my-denoiser",
            title="My denoiser",
            network=network,
            task=Denoise(pixels=64),
            data=DeadLeaves(),
            images=cls.start_images,
            steps=5000,
            lr=2e-3,
        )
    return TrainingRecipe(
        name=f"my-{architecture}",
        title=f"My {cls.title}",
        network=network,
        task=Reconstruct(*example_operator(64)),
        data=Ellipses(size=64, count=500),
        images=cls.start_images,
        steps=2000,
        precision="auto",
        validate_every=500,
    )


EXAMPLE = example("mlpatch")

"""Noise of a shear map."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch


@noises.register("shape-noise", title="Shapes of galaxies (weak lensing)")
@dataclass(frozen=True, config=CONFIG)
class ShapeNoise(Noise):
    """Noise of a shear map, as galaxies are elliptical anyway: ``ellipticity / sqrt(galaxies · pixel area)``.

    This is the standard deviation of each component, so the level of complex shear is ``sqrt(2)`` times that. With
    0.37 and 30 galaxies per square arcminute, a field of 5 degrees has 0.2306 on 1024 x 1024 pixels of 300 / 1024
    arcmin, and 0.0288 on 128 x 128 of 300 / 128. A map of 128 x 128 pixels that was cut out of the large one still has
    the small pixels, and 0.2306; where published work gives it 0.0288, that is 300 / 128 here.
    """

    ellipticity: Annotated[
        float, Field(gt=0, description="standard deviation of one component of the galaxies' own ellipticity")
    ] = 0.37
    galaxies_per_arcmin2: Annotated[
        float, Field(gt=0, description="galaxies with measured shapes", json_schema_extra={"unit": "1/arcmin²"})
    ] = 30.0
    pixel_size_arcmin: Annotated[
        float, Field(gt=0, description="side of a pixel", json_schema_extra={"unit": "arcmin"})
    ] = 300.0 / 128

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return y + self.level(y) * torch.randn(y.shape, generator=generator, dtype=y.dtype, device=y.device)

    each = sample  # the level is the same for all

    def level(self, y: Tensor) -> float:
        one = self.ellipticity / math.sqrt(self.galaxies_per_arcmin2 * self.pixel_size_arcmin**2)
        return one * math.sqrt(2.0) if y.is_complex() else one

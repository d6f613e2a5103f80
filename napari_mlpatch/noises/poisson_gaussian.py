"""Counting noise of a camera that adds its own."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch

from .counting import MOST_COUNTS, gain_of, gains_of, largest, mean_square


@noises.register("poisson-gaussian", title="Poisson counts and Gaussian read-out")
@dataclass(frozen=True, config=CONFIG)
class PoissonGaussian(Noise):
    """Counting noise as in ``Poisson``, and a camera's read-out noise on top: ``(Poisson(g y) + readout n) / g``."""

    counts: Annotated[float, Field(gt=0, le=MOST_COUNTS, description="expected counts at the brightest sample")] = 1e3
    readout: Annotated[
        float, Field(ge=0, description="standard deviation of the read-out", json_schema_extra={"unit": "counts"})
    ] = 5.0

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return self._counted(y, gain_of(y, self.counts), generator)

    def each(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return self._counted(y, gains_of(y, self.counts), generator)

    def _counted(self, y: Tensor, gain: Tensor | float, generator: torch.Generator) -> Tensor:
        counted = torch.poisson((y.double() * gain).clamp(min=0), generator=generator)
        readout = torch.randn(y.shape, generator=generator, dtype=torch.float64, device=y.device)
        return (counted + self.readout * readout) / gain

    def level(self, y: Tensor) -> float:
        gain_of(y, self.counts)  # refuses what cannot be counted
        return math.sqrt(float(self.variance(y).mean()))

    def variance(self, y: Tensor) -> Tensor:
        return mean_square(y, self.counts) + (self.readout * largest(y) / self.counts) ** 2

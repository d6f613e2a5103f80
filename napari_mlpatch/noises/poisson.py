"""Counting noise."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch

from .counting import MOST_COUNTS, gain_of, gains_of, mean_square


@noises.register("poisson", title="Poisson counts")
@dataclass(frozen=True, config=CONFIG)
class Poisson(Noise):
    """Counting noise on data that are proportional to counts: the largest value of y corresponds to ``counts``."""

    counts: Annotated[float, Field(gt=0, le=MOST_COUNTS, description="expected counts at the brightest sample")] = 1e4

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        gain = gain_of(y, self.counts)
        return torch.poisson((y.double() * gain).clamp(min=0), generator=generator) / gain

    def each(self, y: Tensor, generator: torch.Generator) -> Tensor:
        gain = gains_of(y, self.counts)
        return torch.poisson((y.double() * gain).clamp(min=0), generator=generator) / gain

    def level(self, y: Tensor) -> float:
        gain_of(y, self.counts)  # refuses what cannot be counted
        return math.sqrt(float(self.variance(y).mean()))

    def variance(self, y: Tensor) -> Tensor:
        return mean_square(y, self.counts)

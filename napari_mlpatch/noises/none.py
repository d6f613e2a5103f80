"""No noise."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch


@noises.register("none", title="None")
@dataclass(frozen=True, config=CONFIG)
class NoNoise(Noise):
    """No noise at all (the inverse crime: good for tests, too good for conclusions)."""

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return y.clone()

    each = sample

    def level(self, y: Tensor) -> float:
        return 0.0

"""Total variation as a denoiser."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.solvers.tv_prox import tv_prox
from napari_mlpatch.torch_later import Tensor

from .base import Denoiser

TV_WEIGHT = 0.9
"""The weight of total variation, in standard deviations of the noise, that serves photographs and CT slices best."""


@denoisers.register("tv", title="Total variation")
@dataclass(frozen=True, config=CONFIG)
class TotalVariation(Denoiser):
    """Rudin, Osher & Fatemi (1992), with a weight in proportion to the noise."""

    draws = False

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        return tv_prox(x, TV_WEIGHT * sigma)

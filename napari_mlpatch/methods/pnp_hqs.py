"""Plug-and-play half-quadratic splitting."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import methods
from napari_mlpatch.denoisers import Denoise
from napari_mlpatch.torch_later import Tensor

from .plug_and_play import DataStep, PlugAndPlay


@methods.register("pnp-hqs", title="Plug-and-play half-quadratic splitting (HQS)")
@dataclass(frozen=True, config=CONFIG)
class PnPHQS(PlugAndPlay):
    """Alternate ``x = (AᵀA + alpha)⁻¹(Aᵀy + alpha z)`` and ``z = D(x)`` with a denoiser D and a falling noise level.

    Zhang et al., Plug-and-play image restoration with deep denoiser prior, IEEE TPAMI 2021.
    """

    def _data_step(self, data: DataStep, x: Tensor, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        yield from data.solve(x, z)

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: Tensor) -> tuple[Tensor, Tensor]:
        return denoise(x, sigma), u

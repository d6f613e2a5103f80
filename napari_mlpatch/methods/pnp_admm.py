"""Plug-and-play ADMM; with the MLPatch denoiser it is MLPatch-ADMM."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import methods
from napari_mlpatch.denoisers import Denoise
from napari_mlpatch.torch_later import Tensor

from .plug_and_play import DataStep, PlugAndPlay


@methods.register("pnp-admm", title="Plug-and-play ADMM (MLPatch-ADMM)")
@dataclass(frozen=True, config=CONFIG)
class PnPADMM(PlugAndPlay):
    """Alternate ``x = (AᵀA + alpha)⁻¹(Aᵀy + alpha (z - u))``, ``z = D(x + u)``, ``u += x - z`` with a denoiser D.

    Venkatakrishnan, Bouman & Wohlberg, Plug-and-play priors for model based reconstruction, GlobalSIP 2013.
    """

    def _data_step(self, data: DataStep, x: Tensor, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        yield from data.solve(x, z - u)

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: Tensor) -> tuple[Tensor, Tensor]:
        z = denoise(x + u, sigma)
        return z, u + x - z

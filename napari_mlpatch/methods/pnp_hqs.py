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

    Equation:
        x ← (AᵀA + α I)⁻¹ (Aᵀy + α z)
        z ← D_σ(x)
        α = trust · (noise / σ)²,   σ from sigma_start to sigma

    When to use it:
        As plug-and-play ADMM, of which it is the simpler sister without the dual variable u: a few (8 to 30) iterations
        with a falling noise level, best with denoisers that take the level as input (DRU-Net, MLPatch, IRCNN). It is a
        schedule rather than a minimisation: other ``iterations`` give another picture.

    References:
        - K. Zhang, Y. Li, W. Zuo, L. Zhang, L. Van Gool & R. Timofte, Plug-and-play image restoration with deep
          denoiser prior, IEEE Trans. Pattern Anal. Mach. Intell. 44 (2022) 6360-6376, doi:10.1109/TPAMI.2021.3088914.
        - D. Geman & C. Yang, Nonlinear image recovery with half-quadratic regularization, IEEE Trans. Image Process. 4
          (1995) 932-946, doi:10.1109/83.392335.
    """

    def _data_step(self, data: DataStep, x: Tensor, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        yield from data.solve(x, z)

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: Tensor) -> tuple[Tensor, Tensor]:
        return denoise(x, sigma), u

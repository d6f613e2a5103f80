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

    Equation:
        x ← (AᵀA + α I)⁻¹ (Aᵀy + α (z - u))
        z ← D_σ(x + u)
        u ← u + x - z
        α = trust · (noise / σ)²,   σ from sigma_start to sigma

    When to use it:
        Every operator, with one denoiser that was trained on pictures of the same kind and never on the operator: a
        change of geometry or noise needs no new training. With MLPatch weights it is MLPatch-ADMM. A good first choice
        where weights of the kind of picture exist; on pictures of another kind than the denoiser's, prefer total
        variation. More ``trust`` follows the denoiser, less the data.

    References:
        - S. V. Venkatakrishnan, C. A. Bouman & B. Wohlberg, Plug-and-play priors for model based reconstruction,
          GlobalSIP 2013, 945-948, doi:10.1109/GlobalSIP.2013.6737048.
        - S. H. Chan, X. Wang & O. A. Elgendy, Plug-and-play ADMM for image restoration: fixed-point convergence and
          applications, IEEE Trans. Comput. Imaging 3 (2017) 84-98, doi:10.1109/TCI.2016.2629286.
        - A. Khorashadizadeh, T. I. Liaudat, T. Liu, J. D. McEwen & I. Dokmanić, LoFi: neural local fields for scalable
          image reconstruction, arXiv:2411.04995, 2025 (the network MLPatch).
    """

    def _data_step(self, data: DataStep, x: Tensor, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        yield from data.solve(x, z - u)

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: Tensor) -> tuple[Tensor, Tensor]:
        z = denoise(x + u, sigma)
        return z, u + x - z

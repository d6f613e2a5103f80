"""Plug-and-play proximal gradient method."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.denoisers import Denoise
from napari_mlpatch.torch_later import Tensor

from .plug_and_play import DataStep, PlugAndPlay
from .weighing import Weighing


@methods.register("pnp-pgm", title="Plug-and-play proximal gradient")
@dataclass(frozen=True, config=CONFIG)
class PnPPGM(PlugAndPlay):
    """Alternate ``x = z - Aᵀ(A z - y) / ‖A‖²`` and ``z = D(x)`` with a denoiser D and a falling noise level.

    It needs no linear system, and many more iterations than the others.
    Weighed samples would make AᵀA worse conditioned, and so still more, so that ``weighing`` is off by default.

    Equation:
        x ← z - Aᵀ(A z - y) / ‖A‖²
        z ← D_σ(x),   σ from sigma_start to sigma

    When to use it:
        Operators whose linear systems are dear to solve and whose AᵀA is well conditioned (blur, inpainting, compressed
        sensing): one application of A and Aᵀ in each iteration. In CT with few angles it needs hundreds of iterations
        where ``pnp-admm`` takes some twenty.

    References:
        - U. S. Kamilov, H. Mansour & B. Wohlberg, A plug-and-play priors approach for solving nonlinear imaging inverse
          problems, IEEE Signal Process. Lett. 24 (2017) 1872-1876, doi:10.1109/LSP.2017.2763583.
    """

    weighing: Weighing = "none"

    solves_systems = False

    def _automatic_sigma(self, problem: Problem, noise: Tensor, span: Tensor) -> Tensor:
        """What fits the length of the steps, ``1 / ‖A‖²``: that at which alpha would be ``‖A‖²``."""
        return (self.trust**0.5 * noise / (problem.A.norm or 1.0)).clamp(min=1e-4 * span, max=0.5 * span)

    def _data_step(self, data: DataStep, x: Tensor, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        size = data.A.norm**2
        yield z if size == 0 else z - (data.A.normal(z) - data.b) / size

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: Tensor) -> tuple[Tensor, Tensor]:
        return denoise(x, sigma), u

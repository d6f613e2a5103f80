"""A denoiser applied once to the quick picture; with MLPatch it is MLPatch direct."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.phase import free_phase
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.denoisers import Name, Precision, Scaled, denoiser
from napari_mlpatch.solvers.items import each, norm
from napari_mlpatch.torch_later import Tensor, torch

from .denoising import Denoising
from .plug_and_play import DENOISER, value_ranges


@methods.register("direct", title="Denoised quick picture (MLPatch direct)")
@dataclass(frozen=True, config=CONFIG)
class Direct(Denoising):
    """``D(A.pinv(y))``: the operator's quick picture (FBP, zero-filling, Kaiser-Squires...), denoised.

    Equation:
        x = D_σ(A⁺ y)
        A⁺ y: the quick picture (FBP, zero filling, gridding, Wiener...)

    When to use it:
        A fast look, on any operator for which the quick picture is noisy rather than wrong: one pass of the denoiser.
        It never looks at the data again, so that streaks of missing angles, which are no noise, stay or are taken for
        structure. ``pnp-admm`` with the same weights takes some ten times as long and keeps to the data.

    References:
        - A. Khorashadizadeh, T. I. Liaudat, T. Liu, J. D. McEwen & I. Dokmanić, LoFi: neural local fields for scalable
          image reconstruction, arXiv:2411.04995, 2025 (the network MLPatch).
        - K. Zhang, W. Zuo, Y. Chen, D. Meng & L. Zhang, Beyond a Gaussian denoiser: residual learning of deep CNN for
          image denoising, IEEE Trans. Image Process. 26 (2017) 3142-3155, doi:10.1109/TIP.2017.2662206.
    """

    denoiser: Annotated[Name, Field(description=DENOISER)] = "network"
    sigma: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            description="noise level of the quick picture, as a share of its range",
            json_schema_extra={"none_means": "from the noise"},
        ),
    ] = None
    precision: Annotated[
        Precision,
        Field(description="of the numbers inside of the network; auto: bfloat16 where that is faster and as good"),
    ] = "auto"

    iterative = False

    @property
    def highest_level(self) -> float | None:
        return self.sigma

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        quick = problem.A.pinv(problem.y)
        yield None
        low, high = value_ranges(quick)
        phase = free_phase(problem.A, quick)
        clean = Scaled(denoiser(self.denoiser, network, quick.device, self.precision), low, high, phase)
        span = high - low
        # Where there is no noise, rounding is left.
        sigma = (
            self.sigma * span
            if self.sigma is not None
            else noise_of_quick_picture(problem, quick).clamp(min=1e-6 * span)
        )
        yield Iterate(clean(quick, sigma), 1, 1, {"sigma": float((sigma / span).max())}, converged=True)


def noise_of_quick_picture(problem: Problem, quick: Tensor) -> Tensor:
    """Root mean square of what as much white noise again as the data have changes in ``quick = A.pinv(y)``, ``[B]``.

    ``A.pinv`` may adapt to its data, as Wiener's filter does, so that pure noise would not tell.
    """
    A, y = problem.A, problem.y
    generator = torch.Generator().manual_seed(0)
    kind = torch.complex64 if y.is_complex() else torch.float32  # so that the numbers do not depend on the precision
    noise = torch.randn(y.shape[1:], generator=generator, dtype=kind).to(y) * each(problem.std, y)
    phase = free_phase(A, quick)
    if phase is not None:
        noise = noise * each(phase, noise)
    if A.sampled is not None:
        noise = noise * A.sampled.to(y.device)
    return norm(A.pinv(y + noise) - quick).cpu() / quick[0].numel() ** 0.5

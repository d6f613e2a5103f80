"""A denoiser applied once to the quick picture; with MLPatch it is MLPatch direct."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Iterate, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import denoisers, methods
from napari_mlpatch.denoisers import Name, Precision, Scaled, denoiser
from napari_mlpatch.torch_later import Tensor, torch

from .plug_and_play import DENOISER, value_range


@methods.register("direct", title="Denoised quick picture (MLPatch direct)")
@dataclass(frozen=True, config=CONFIG)
class Direct(Method):
    """``D(A.pinv(y))``: the operator's quick picture (FBP, zero-filling, Kaiser-Squires...), denoised."""

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
    precision: Annotated[Precision, Field(description="of the numbers inside of the network")] = "float32"

    iterative = False
    weights_kind = "denoiser"

    @property
    def needs_network(self) -> bool:
        return denoisers.get(self.denoiser).needs_network

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        quick = problem.A.pinv(problem.y)
        yield None
        low, high = value_range(quick)
        clean = Scaled(denoiser(self.denoiser, network, quick.device, self.precision), low, high)
        sigma = self.sigma * (high - low) if self.sigma is not None else noise_of_quick_picture(problem, quick)
        yield Iterate(clean(quick, sigma), 1, 1, {"sigma": sigma / (high - low)}, converged=True)


def noise_of_quick_picture(problem: Problem, quick: Tensor) -> float:
    """Root mean square of what as much white noise again as the data have changes in ``quick = A.pinv(y)``.

    ``A.pinv`` may adapt to its data, as Wiener's filter does, so that pure noise would not tell.
    """
    A, y = problem.A, problem.y
    std = problem.noise_std if problem.noise_std is not None else problem.A.estimate_std(y)
    generator = torch.Generator().manual_seed(0)
    kind = torch.complex64 if y.is_complex() else torch.float32  # so that the numbers do not depend on the precision
    noise = std * torch.randn(y.shape, generator=generator, dtype=kind).to(y)
    if A.sampled is not None:
        noise = noise * A.sampled.to(y.device)
    change = A.pinv(y + noise) - quick
    return max(float(change.abs().square().mean().sqrt()), 1e-6 * float(y.abs().max()))

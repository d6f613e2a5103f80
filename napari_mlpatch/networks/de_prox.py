"""Deep equilibrium proximal gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .equilibrium import Backward, Channels, Equilibrium, EquilibriumConfig, Iterations, Map, Tolerance
from .spectral_cnn import Depth, Lipschitz, Width

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("de-prox", title="Deep equilibrium, proximal gradient (DE-Prox)")
@dataclass(frozen=True, config=CONFIG)
class DEProxConfig(EquilibriumConfig):
    """The denoiser, the step, and how training finds fixed points."""

    channels: Channels = 1
    depth: Depth = 5
    width: Width = 32
    lipschitz: Lipschitz = 0.99
    step: Annotated[float, Field(gt=0, lt=1, description="at first, for an operator of norm 1")] = 0.9
    iterations: Iterations = 30
    tolerance: Tolerance = 1e-3
    backward: Backward = "anderson"

    def build(self) -> DEProx:
        return DEProx(self)


class DEProx(Equilibrium):
    """The fixed point of ``f(x) = D(x - η (AᵀA x - Aᵀy))``, with 0 < η < 1 learned.

    With ‖A‖ = 1 the gradient step moves no two pictures apart, so f contracts as D does.
    """

    def update(self, A: Operator, b: Tensor, D: Map) -> Map:
        step = self.step
        return lambda x: D(x - step * (A.normal(x) - b))

"""Deep equilibrium proximal gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .equilibrium import Equilibrium, EquilibriumConfig, Map
from .preconditioner import FLOOR, Floor, Preconditioner, towards_data

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("de-prox", title="Deep equilibrium, proximal gradient (DE-Prox)")
@dataclass(frozen=True, config=CONFIG)
class DEProxConfig(EquilibriumConfig):
    """The denoiser, the step, and how training finds fixed points."""

    step: Annotated[float, Field(gt=0, lt=1, description="at first, for an operator of norm 1")] = 0.9
    preconditioner: Preconditioner = "none"
    floor: Floor = FLOOR

    def build(self) -> DEProx:
        return DEProx(self)


class DEProx(Equilibrium):
    """The fixed point of ``f(x) = D(x - η P (AᵀA x - Aᵀy))``, with 0 < η < 1 learned.

    With ‖A‖ = 1 the gradient step moves no two pictures apart, so f contracts as D does. P is the
    preconditioner (``preconditioner.py``), I where there is none; for CT it is needed, as a plain step of 1 hardly
    moves what the projections see weakly.
    """

    def update(self, A: Operator, b: Tensor, D: Map) -> Map:
        step, config = self.step, self.config
        gradient = towards_data(A, b, config.preconditioner, config.floor)
        return lambda x: D(x - step * gradient(x))

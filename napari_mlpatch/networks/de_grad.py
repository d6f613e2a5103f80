"""Deep equilibrium gradient descent."""

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


@architectures.register("de-grad", title="Deep equilibrium, gradient descent (DE-Grad)")
@dataclass(frozen=True, config=CONFIG)
class DEGradConfig(EquilibriumConfig):
    """The denoiser, its weight beside the data, and how training finds fixed points."""

    step: Annotated[float, Field(gt=0, lt=1, description="weight of the data beside the denoiser, at first")] = 0.5
    preconditioner: Preconditioner = "none"
    floor: Floor = FLOOR

    def build(self) -> DEGrad:
        return DEGrad(self)


class DEGrad(Equilibrium):
    """The fixed point of ``f(x) = x - η P (AᵀA x - Aᵀy) - (1 - η) (x - D(x))``, with 0 < η < 1 learned.

    ``x - D(x)``, what the denoiser takes off, stands where the gradient of a penalty would. With ‖A‖ = 1 and D of
    Lipschitz constant ℓ, f has at most ``η + (1 - η) ℓ``. The two steps add up to 1 because a fixed point knows only
    their ratio. P is the preconditioner (``preconditioner.py``), I where there is none.
    """

    def update(self, A: Operator, b: Tensor, D: Map) -> Map:
        step, config = self.step, self.config
        gradient = towards_data(A, b, config.preconditioner, config.floor)
        return lambda x: x - step * gradient(x) - (1.0 - step) * (x - D(x))

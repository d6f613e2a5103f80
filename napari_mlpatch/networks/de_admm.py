"""Deep equilibrium ADMM."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.solvers.implicit import solve_shifted

from .equilibrium import Equilibrium, EquilibriumConfig, Map, State

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("de-admm", title="Deep equilibrium, ADMM (DE-ADMM)")
@dataclass(frozen=True, config=CONFIG)
class DEADMMConfig(EquilibriumConfig):
    """The denoiser, the weight of the splitting, and how training finds fixed points."""

    step: Annotated[float, Field(gt=0, lt=1, description="alpha at first, for an operator of norm 1")] = 0.1
    inner_iterations: Annotated[
        int, Field(ge=1, le=1000, description="of conjugate gradients where there is no closed form, at most")
    ] = 30

    def build(self) -> DEADMM:
        return DEADMM(self)


class DEADMM(Equilibrium):
    """The fixed point of plug-and-play ADMM, with 0 < α < 1 learned (``step``); the state is (z, u):

        x = (AᵀA + α I)⁻¹ (Aᵀy + α (z - u))
        z = D(x + u)
        u = u + x - z

    As D is firmly nonexpansive, this is Douglas-Rachford splitting, which converges; the picture is z.
    """

    def update(self, A: Operator, b: Tensor, D: Map) -> Callable[[State], State]:
        alpha, count = self.step, self.config.inner_iterations

        def f(state: State) -> State:
            z, u = state
            x = solve_shifted(A, b + alpha * (z - u), alpha, z, iterations=count)
            z = D(x + u)
            return z, u + x - z

        return f

    def first(self, x: Tensor) -> State:
        return x, torch.zeros_like(x)

    def shown(self, z: State) -> Tensor:
        return z[0]

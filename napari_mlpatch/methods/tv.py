"""Total variation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Iterate, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.solvers.admm import Term, admm
from napari_mlpatch.solvers.gradient import (
    gradient,
    gradient_norm,
    gradient_transpose,
    laplacian_symbol,
    shrink,
    total_variation,
)
from napari_mlpatch.torch_later import Tensor


@methods.register("tv", title="Total variation (TV)")
@dataclass(frozen=True, config=CONFIG)
class TV(Method):
    """Minimise ``½ ‖A x - y‖² + weight · sum |gradient of x|`` (Rudin, Osher & Fatemi 1992), by ADMM.

    Differences are between neighbouring pixels, so ``weight`` is in units of y²/x. The inner linear systems are solved
    by conjugate gradients on AᵀA with a circulant preconditioner.
    """

    weight: Annotated[
        float | None,
        Field(gt=0, description="strength of the regularisation", json_schema_extra={"none_means": "from the noise"}),
    ] = None
    norm: Annotated[
        Literal["isotropic", "anisotropic"],
        Field(description="length of the gradient: Euclidean, or sum of its components"),
    ] = "isotropic"
    nonnegative: Annotated[bool, Field(description="allow no negative values")] = False
    iterations: Annotated[int, Field(ge=1, le=100_000, description="at most")] = 200
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="stop when x changes, and the split variables differ, by less than this")
    ] = 5e-4

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        A, y = problem.A, problem.y
        isotropic = self.norm == "isotropic"
        b = A.T(y)
        yield None
        x = A.pinv(y)
        yield None
        weight = self.weight if self.weight is not None else automatic_weight(problem)
        terms = [Term(gradient, gradient_transpose, lambda v, t: shrink(v, weight * t, isotropic), laplacian_symbol(x))]
        if self.nonnegative:
            terms.append(Term(_same, _same, lambda v, t: _nonnegative(v), 1.0))
            x = _nonnegative(x)
        # The threshold weight / rho starts at half the mean gradient of the first picture, where that is not flat.
        steepness = max(float(gradient_norm(gradient(x), isotropic).mean()), 1e-3 * float(x.abs().mean()))
        rho = 2.0 * weight / steepness if steepness else 1.0
        for step in admm(
            A.normal,
            b,
            terms,
            x,
            normal_symbol=A.normal_symbol(y.device, b.dtype.to_real()),
            rho=rho,
            iterations=self.iterations,
            state=state,
        ):
            if step is None:
                yield None
                continue
            converged = step.solved and max(step.change, step.primal) <= self.tolerance
            x = _nonnegative(step.x) if self.nonnegative else step.x
            scalars = {"weight": weight, "change": step.change, "primal_residual": step.primal}
            if step.k % 10 == 0 or converged or step.k == self.iterations:
                scalars["objective"] = objective(x, problem, weight, isotropic)
            yield Iterate(x, step.k, self.iterations, scalars, state=step.state, converged=converged)
            if converged:
                return


def objective(x: Tensor, problem: Problem, weight: float, isotropic: bool = True) -> float:
    """``½ ‖A x - y‖² + weight · TV(x)``."""
    misfit = float((problem.A(x) - problem.y).abs().double().square().sum())
    return 0.5 * misfit + weight * total_variation(x, isotropic)


def automatic_weight(problem: Problem) -> float:
    """Half the standard deviation that the noise has in Aᵀy: ``½ · noise_std · (rms norm of A's columns)``."""
    std = problem.noise_std if problem.noise_std is not None else problem.A.estimate_std(problem.y)
    floor = 1e-3 * float(problem.y.abs().double().square().mean()) ** 0.5
    return 0.5 * max(std, floor) * problem.A.column_norm or 1.0


def _nonnegative(x: Tensor) -> Tensor:
    """The nearest non-negative image; of a complex one, which must be real and non-negative."""
    return x.real.clamp(min=0).to(x.dtype)


def _same(x: Tensor) -> Tensor:
    return x

"""Tikhonov regularisation by conjugate gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Iterate, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.solvers.cg import cg
from napari_mlpatch.solvers.circulant import divide_spectrum
from napari_mlpatch.solvers.gradient import gradient, gradient_transpose, laplacian_symbol
from napari_mlpatch.torch_later import Tensor, torch


@methods.register("tikhonov", title="Tikhonov")
@dataclass(frozen=True, config=CONFIG)
class Tikhonov(Method):
    """Minimise ``½ ‖A x - y‖² + ½ weight ‖L x‖²`` with L the identity or the gradient, by preconditioned CG."""

    weight: Annotated[
        float | None,
        Field(gt=0, description="strength of the smoothing", json_schema_extra={"none_means": "from the noise"}),
    ] = None
    penalty: Annotated[Literal["gradient", "identity"], Field(description="what is kept small")] = "gradient"
    iterations: Annotated[int, Field(ge=1, le=100_000, description="at most")] = 50
    tolerance: Annotated[float, Field(ge=0, lt=1, description="stop at this relative residual")] = 1e-5

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        A, y = problem.A, problem.y
        b = A.T(y)
        yield None
        smooth = self.penalty == "gradient"
        x = A.pinv(y)  # a start: far from zero, what only the penalty sees would take long
        yield None
        weight = self.weight if self.weight is not None else _automatic_weight(problem, x, smooth)
        yield None
        symbol = torch.as_tensor(A.normal_symbol(y.device, b.dtype.to_real()))
        symbol = symbol + weight * (laplacian_symbol(b) if smooth else 1.0)
        # Zero for what neither term sees, such as the mean of a mass map: rounding errors must not be divided by it.
        symbol = torch.where(symbol > 1e-6 * symbol.max(), symbol, symbol.max())

        def system(x: Tensor) -> Tensor:
            return A.normal(x) + weight * (gradient_transpose(gradient(x)) if smooth else x)

        def precondition(r: Tensor) -> Tensor:
            return divide_spectrum(r, symbol)

        start = state["k"] if state else 0
        for step in cg(
            system,
            b,
            x,
            precondition=precondition,
            iterations=self.iterations,
            tolerance=self.tolerance,
            state=state,
        ):
            finished = step.relative_residual <= self.tolerance
            if step.k == start and step.k < self.iterations and not finished:
                continue  # where it starts from: nothing new
            scalars = {"relative_residual_cg": step.relative_residual, "weight": weight}
            yield Iterate(step.x, max(step.k, 1), self.iterations, scalars, state=step.state, converged=finished)


def _automatic_weight(problem: Problem, x: Tensor, smooth: bool) -> float:
    """Ratio of noise variance to the variance of what is penalised, as the quick picture x shows it over 4 pixels.

    Means over 4 x 4 pixels differ from their neighbours by about twice as much, in variance, as pixels do: images have
    edges, so power spectra fall with the square of the frequency.
    """
    std = problem.noise_std if problem.noise_std is not None else problem.A.estimate_std(problem.y)
    x = _smoothed(x)
    size = float(x.abs().square().mean())
    spread = 0.5 * float(gradient(x).abs().square().sum(0).mean()) if smooth else size
    floor = 1e-3 * float(problem.y.abs().double().square().mean()) ** 0.5
    return max(std, floor) ** 2 / max(spread, 1e-6 * size) if size else 1.0


def _smoothed(x: Tensor) -> Tensor:
    if x.is_complex():
        return torch.complex(_smoothed(x.real), _smoothed(x.imag))
    return torch.nn.functional.avg_pool2d(x, 4, ceil_mode=True).double()

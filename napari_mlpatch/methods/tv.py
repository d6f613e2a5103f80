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
)
from napari_mlpatch.solvers.items import each
from napari_mlpatch.torch_later import Tensor, torch

from .starting import begun
from .weighing import Weighing, weighed

PLAIN = 1e3
"""Times the rounding errors of Aᵀy, above which no weight is lost beside those of AᵀA x: they are about as large."""


@methods.register("tv", title="Total variation (TV)")
@dataclass(frozen=True, config=CONFIG)
class TV(Method):
    """Minimise ``½ ‖A x - y‖² + weight · sum |gradient of x|`` (Rudin, Osher & Fatemi 1992), by ADMM.

    Differences are between neighbouring pixels, so ``weight`` is in units of y²/x. The inner linear systems are solved
    by conjugate gradients on AᵀA with a circulant preconditioner.

    Equation:
        x = argmin_x  ½ ‖A x - y‖² + weight Σᵢ |(∇x)ᵢ|

        |(∇x)ᵢ| = √(∂₁xᵢ² + ∂₂xᵢ²)    isotropic
                = |∂₁xᵢ| + |∂₂xᵢ|     anisotropic

    When to use it:
        Few angles, few samples, much noise, and pictures of nearly flat regions with sharp edges; no training is
        needed, and it suits every operator. Fine texture turns into patches of one value ("staircasing") where
        ``weight`` is large. ``nonnegative`` helps where values are known to be at least zero. It is the method that a
        learned one has to beat.

    References:
        - L. I. Rudin, S. Osher & E. Fatemi, Nonlinear total variation based noise removal algorithms, Physica D 60
          (1992) 259-268, doi:10.1016/0167-2789(92)90242-F.
        - E. Y. Sidky & X. Pan, Image reconstruction in circular cone-beam computed tomography by constrained,
          total-variation minimization, Phys. Med. Biol. 53 (2008) 4777-4807, doi:10.1088/0031-9155/53/17/021.
        - S. Boyd, N. Parikh, E. Chu, B. Peleato & J. Eckstein, Distributed optimization and statistical learning via
          the alternating direction method of multipliers, Found. Trends Mach. Learn. 3 (2011) 1-122,
          doi:10.1561/2200000016.
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
    weighing: Weighing = "auto"

    takes_start = True
    draws = False

    def solve(
        self, problem: Problem, network: Any = None, state: dict | None = None, start: Tensor | None = None
    ) -> Iterator[Iterate | None]:
        problem = weighed(problem, self.weighing)
        A, y, axes = problem.A, problem.y, len(problem.A.domain_shape)
        isotropic = self.norm == "isotropic"
        b = A.T(y)
        yield None
        x = A.pinv(y)
        yield None
        weight = automatic_weight(problem) if self.weight is None else torch.tensor([self.weight], dtype=torch.float64)
        remark = _lost(weight, problem, x, b)
        strength = each(weight, x)
        terms = [
            Term(
                lambda v: gradient(v, axes),
                gradient_transpose,
                lambda v, step: shrink(v, strength * step, isotropic),
                laplacian_symbol(x, axes),
            )
        ]
        if self.nonnegative:
            terms.append(Term(_same, _same, lambda v, step: _nonnegative(v), 1.0))
            x, start = _nonnegative(x), None if start is None else _nonnegative(start)
        # The threshold weight / rho starts at half the mean gradient of the first picture, where that is not flat.
        slope = gradient_norm(gradient(x, axes), isotropic).flatten(1).mean(1).double()
        steepness = torch.maximum(slope, 1e-3 * x.abs().flatten(1).mean(1).double())
        flat = steepness == 0
        rho = torch.where(flat, 1.0, 2.0 * weight.to(steepness) / torch.where(flat, 1.0, steepness))
        for step in admm(
            A.normal,
            b,
            terms,
            begun(start, x),
            normal_symbol=A.normal_symbol(y.device, b.dtype.to_real()),
            rho=rho,
            iterations=self.iterations,
            tolerance=self.tolerance,
            axes=axes,
            state=state,
        ):
            if step is None:
                yield None
                continue
            change, primal, converged = torch.stack(
                [step.change.max(), step.primal.max(), step.converged.all()]
            ).tolist()
            x = _nonnegative(step.x) if self.nonnegative else step.x
            scalars = {"weight": float(weight.max()), "change": change, "primal_residual": primal}
            if step.k % 10 == 0 or converged or step.k == self.iterations:
                scalars["objective"] = objective(x, problem, weight, isotropic)
            more = {"state": step.state, "converged": bool(converged), "remark": remark}
            yield Iterate(x, step.k, self.iterations, scalars, **more)


def objective(x: Tensor, problem: Problem, weight: float | Tensor, isotropic: bool = True) -> float:
    """``½ ‖A x - y‖² + weight · TV(x)``, summed over the items; ``weight`` is one for all, or ``[B]``."""
    misfit = float((problem.A(x) - problem.y).abs().double().square().sum())
    lengths = gradient_norm(gradient(x, x.ndim - 2), isotropic).double().flatten(1).sum(1)
    return 0.5 * misfit + float((torch.as_tensor(weight).to(lengths) * lengths).sum())


def automatic_weight(problem: Problem) -> Tensor:
    """Half the standard deviation that the noise has in Aᵀy: ``½ · noise_std · (rms norm of A's columns)``, ``[B]``."""
    floor = 1e-3 * problem.y.abs().double().square().flatten(1).mean(1).sqrt().cpu()
    weight = 0.5 * torch.maximum(problem.std, floor) * problem.A.column_norm
    return torch.where(weight > 0, weight, 1.0)


def _lost(weight: Tensor, problem: Problem, x: Tensor, b: Tensor) -> str:
    """What is said of weights below the rounding errors of AᵀA x, of the size of the mean eigenvalue times x.

    That is found by random signs, where the weight is small beside b = Aᵀy.
    """
    if bool((weight.cpu() > PLAIN * torch.finfo(x.dtype).eps * _rms(b)).all()):
        return ""
    shape = (4, 1, *problem.A.domain_shape)
    signs = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(0)).to(x.device, x.real.dtype) * 2 - 1
    size = float((signs * problem.A.normal(signs)).real.mean())
    rounding = torch.finfo(x.dtype).eps * size * _rms(x)
    if not bool((weight.cpu() < rounding).any()):
        return ""
    return (
        f"A weight of {float(weight.min()):.3g} is lost beside the rounding errors of AᵀA, "
        f"{float(rounding.max()):.2g}: what the data do not say is left to these. Choose a larger one."
    )


def _rms(v: Tensor) -> Tensor:
    """Of each item, on the CPU."""
    return v.abs().double().square().flatten(1).mean(1).sqrt().cpu()


def _nonnegative(x: Tensor) -> Tensor:
    """The nearest non-negative image; of a complex one, which must be real and non-negative."""
    return x.real.clamp(min=0).to(x.dtype)


def _same(x: Tensor) -> Tensor:
    return x

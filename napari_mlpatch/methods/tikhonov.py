"""Tikhonov regularisation by conjugate gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Iterate, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.solvers.cg import CgStep, cg
from napari_mlpatch.solvers.circulant import dividing, without_zeros
from napari_mlpatch.solvers.gradient import gradient, gradient_transpose, laplacian_symbol
from napari_mlpatch.solvers.items import each
from napari_mlpatch.solvers.shifted import LIGHT
from napari_mlpatch.torch_later import Tensor, torch

from .starting import begun
from .weighing import Weighing, weighed

HEAVY, HEAVIEST = 1e6, 1e11
"""Weights of the gradient, in mean eigenvalues of AᵀA, above which single precision does not do, and above which the
picture changes no more (by ``n² / (10 weight)`` of itself, n pixels along an axis)."""
FAINT, LIGHTEST = 1e-6, 1e-11
"""Weights, in mean eigenvalues of AᵀA, below which ``A.normal`` (1e-10) is not exact enough, and below which they are
lost beside AᵀA in double precision: what the data do not say would be those errors, divided by the weight."""


@methods.register("tikhonov", title="Tikhonov")
@dataclass(frozen=True, config=CONFIG)
class Tikhonov(Method):
    """Minimise ``½ ‖A x - y‖² + ½ weight ‖L x‖²`` with L the identity or the gradient, by preconditioned CG.

    Equation:
        x = argmin_x  ½ ‖A x - y‖² + ½ weight ‖L x‖²
          = (AᵀA + weight LᵀL)⁻¹ Aᵀy,      L = ∇ (gradient) or I (identity)

    When to use it:
        Smooth pictures, any operator, and wherever the answer must be linear in the data, so that errors can be
        computed: it is the least squares solution held still where the data say nothing. Edges become soft; where they
        matter, take total variation. A larger ``weight`` is smoother; the L-curve or the noise tells how large.

    References:
        - A. N. Tikhonov & V. Y. Arsenin, Solutions of Ill-Posed Problems, Winston 1977.
        - M. R. Hestenes & E. Stiefel, Methods of conjugate gradients for solving linear systems, J. Res. Natl. Bur.
          Stand. 49 (1952) 409-436, doi:10.6028/jres.049.044.
    """

    weight: Annotated[
        float | None,
        Field(gt=0, description="strength of the smoothing", json_schema_extra={"none_means": "from the noise"}),
    ] = None
    penalty: Annotated[Literal["gradient", "identity"], Field(description="what is kept small")] = "gradient"
    iterations: Annotated[int, Field(ge=1, le=100_000, description="at most")] = 50
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="stop at this relative residual, or at rounding errors")
    ] = 1e-5
    weighing: Weighing = "auto"

    takes_start = True
    draws = False

    def solve(
        self, problem: Problem, network: Any = None, state: dict | None = None, start: Tensor | None = None
    ) -> Iterator[Iterate | None]:
        problem = weighed(problem, self.weighing)
        A, y, axes = problem.A, problem.y, len(problem.A.domain_shape)
        b = A.T(y)
        yield None
        smooth = self.penalty == "gradient"
        x = A.pinv(y)  # a start: far from zero, what only the penalty sees would take long
        yield None
        weight = (
            _automatic_weight(problem, x, smooth)
            if self.weight is None
            else torch.tensor([self.weight], dtype=torch.float64)
        )
        x = begun(start, x)
        yield None
        largest = float(weight.max())
        if not largest < torch.finfo(b.dtype).max:
            raise InputError(
                f"{largest:.3g} is a weight far too large to compute with: numbers of this precision end at "
                f"{torch.finfo(b.dtype).max:.3g}. Choose a smaller one."
            )
        kind, size, remark = b.dtype, A.column_norm**2, ""
        if float(weight.min()) < LIGHTEST * size:
            remark = (
                f"A weight of {float(weight.min()):.3g} is lost beside AᵀA in double precision: "
                f"{LIGHTEST * size:.3g} was taken."
            )
            weight = weight.clamp(min=LIGHTEST * size)
        is_faint = float(weight.min()) < FAINT * size
        if float(weight.min()) < LIGHT * size:
            y = y.to(torch.promote_types(y.dtype, torch.float64))
            b, x = A.T(y), x.to(torch.promote_types(x.dtype, torch.float64))
            yield None
        if smooth:
            # Beyond, differences of rounding outweigh the data. The picture is flat long before.
            if largest > HEAVY * size:
                b, x = (v.to(torch.promote_types(v.dtype, torch.float64)) for v in (b, x))
            weight = weight.clamp(max=HEAVIEST * size) if size else weight
        strength = each(weight, b)
        symbol = torch.as_tensor(A.normal_symbol(y.device, b.dtype.to_real()))
        symbol = without_zeros(symbol + strength * (laplacian_symbol(b, axes) if smooth else 1.0), axes)

        def system(x: Tensor) -> Tensor:
            image = A.T(A(x)) if is_faint else A.normal(x)
            return image + strength * (gradient_transpose(gradient(x, axes)) if smooth else x)

        first, tolerance = state["k"] if state else 0, max(self.tolerance, torch.finfo(b.dtype).eps)

        def iterate(step: CgStep, k: int, lacks: str = "") -> Iterate:
            residual = float(step.relative_residual.max())
            scalars = {"relative_residual_cg": residual, "weight": float(weight.max())}
            converged = residual <= tolerance
            more = {"state": step.state, "converged": converged, "remark": remark, "not_found": lacks}
            return Iterate(step.x.to(kind), max(k, 1), self.iterations, scalars, **more)

        step = None
        for step in cg(
            system,
            b,
            x,
            precondition=dividing(symbol, b, axes),
            iterations=self.iterations,
            tolerance=self.tolerance,
            state=state,
        ):
            finished = float(step.relative_residual.max()) <= tolerance
            if step.k == first and step.k < self.iterations and not finished:
                continue  # where it starts from: nothing new
            is_last = step.k == self.iterations and not finished
            yield iterate(step, step.k, _not_to_rounding(step) if is_last and not self.tolerance else "")
        if step is not None and step.k < self.iterations and float(step.relative_residual.max()) > tolerance:
            yield iterate(step, step.k + 1, _broken(step))


def _not_to_rounding(step: CgStep) -> str:
    return (
        f"Not converged: the limit of {step.k} iterations came before rounding errors ended them (tolerance 0), at a "
        f"relative residual of {float(step.relative_residual.max()):.2g}. More iterations (or continuing) would still "
        "change the picture."
    )


def _broken(step: CgStep) -> str:
    return (
        f"Not converged: after {step.k} iterations, at a relative residual of "
        f"{float(step.relative_residual.max()):.2g}, rounding errors are larger than what the weight adds to AᵀA. "
        "Choose a larger weight, or double precision."
    )


def _automatic_weight(problem: Problem, x: Tensor, smooth: bool) -> Tensor:
    """Ratio of noise variance to the variance of what is penalised, as the quick picture x shows it over 4 pixels; [B].

    Means over 4 x 4 pixels differ from their neighbours by about twice as much, in variance, as pixels do: images have
    edges, so power spectra fall with the square of the frequency.
    """
    axes = x.ndim - 2
    x = _smoothed(x)
    size = x.abs().square().flatten(1).mean(1).cpu()
    slopes = gradient(x, axes).abs().square().sum(0).flatten(1).mean(1).cpu() if smooth else size
    floor = 1e-3 * problem.y.abs().double().square().flatten(1).mean(1).sqrt().cpu()
    noise, spread = (
        torch.maximum(problem.std, floor).square(),
        torch.maximum(slopes / axes if smooth else size, 1e-6 * size),
    )
    return torch.where(size > 0, noise / torch.where(size > 0, spread, 1.0), 1.0)


def _smoothed(x: Tensor) -> Tensor:
    """Means over 4 pixels along each axis, and over what there is at the far edges; in double precision."""
    x = x.to(torch.promote_types(x.dtype, torch.float64))
    for axis in range(2, x.ndim):
        groups = x.split(4, axis)
        x = torch.cat([group.mean(axis, keepdim=True) for group in groups], axis)
    return x

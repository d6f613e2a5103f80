"""Deep equilibrium: the picture is the fixed point of a learned map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.solvers.fixed_point import FixedPointStep, fixed_point
from napari_mlpatch.torch_later import Tensor, torch

from .learned import Learned, also, far_from_training, is_normalised, relative_residual
from .starting import begun

if TYPE_CHECKING:
    from napari_mlpatch.networks.equilibrium import Equation

MOST = 1e30
"""Stands for what is no number."""


@methods.register("equilibrium", title="Deep equilibrium")
@dataclass(frozen=True, config=CONFIG)
class DeepEquilibrium(Learned):
    """The fixed point ``z = f(z)`` of a learned map: gradient step and denoiser (DE-Grad, DE-Prox), or ADMM (DE-ADMM).

    Unlike an unrolled network, it may be iterated for longer than in its training. ``residual`` is
    ``‖f(z) - z‖ / ‖f(z)‖``, ``contraction`` the largest ratio by which f was lately seen to change distances: below
    1, plain iterations converge. A fixed point that is not found is said to be so, and the iterate of least residual is
    given.

    Equation:
        x = f(x),   one of
        f(x) = D(x - η Aᵀ(A x - y))                                   DE-Prox
        f(x) = x - η Aᵀ(A x - y) - (1 - η) (x - D(x))                 DE-Grad
        x = (AᵀA + α I)⁻¹(Aᵀy + α (z - u)), z = D(x + u), u += x - z  DE-ADMM

    When to use it:
        As unrolled networks, where the number of iterations shall not be part of the training: more of them only come
        nearer to the fixed point, and fewer give a picture sooner. Somewhat robust to small changes of the operator.
        Watch ``residual`` fall and ``contraction`` stay below 1.

    References:
        - D. Gilton, G. Ongie & R. Willett, Deep equilibrium architectures for inverse problems in imaging, IEEE Trans.
          Comput. Imaging 7 (2021) 1123-1133, doi:10.1109/TCI.2021.3118944.
        - S. Bai, J. Z. Kolter & V. Koltun, Deep equilibrium models, NeurIPS 2019.
        - H. F. Walker & P. Ni, Anderson acceleration for fixed-point iterations, SIAM J. Numer. Anal. 49 (2011)
          1715-1735, doi:10.1137/10078356X.
    """

    solver: Annotated[
        Literal["anderson", "plain", "broyden"],
        Field(description="acceleration: Anderson's, none, or Broyden's quasi-Newton method"),
    ] = "anderson"
    iterations: Annotated[int, Field(ge=1, le=10_000, description="at most; may exceed those of the training")] = 60
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="stop at this residual of the fixed point; bfloat16 reaches 2e-4")
    ] = 3e-4

    takes_start = True

    def solve(
        self, problem: Problem, network: Any = None, state: dict | None = None, start: Tensor | None = None
    ) -> Iterator[Iterate | None]:
        if state and state["converged"]:
            yield Iterate(state["x"], state["k"], self.iterations, state["scalars"], state=state, converged=True)
            return
        from napari_mlpatch.networks.equilibrium import Equilibrium
        from napari_mlpatch.networks.scaling import along, normalised, restoring

        module = self.opened(network, problem.y.device)
        if not isinstance(module, Equilibrium):
            raise InputError(
                f"The network {type(module).__name__} has no equation to solve: use the method 'unrolled'."
            )
        normalise = is_normalised(network)
        y, A, scale = normalised(problem.y, problem.A, normalise)
        scale = restoring(scale, problem.y) if normalise else scale
        strange = far_from_training(network, problem)
        yield None
        equation = module.equation(y.to(torch.complex64 if y.is_complex() else torch.float32), A)
        z = equation.start if start is None else self._first(equation, start, scale)
        yield None
        for step in fixed_point(
            equation.f,
            z,
            solver=self.solver,
            iterations=self.iterations,
            tolerance=self.tolerance,
            look=1,
            state=state["solver"] if state else None,
        ):
            converged = bool(step.converged.all())
            ended = not bool(step.state["progress"].going.any())  # all converged, or no longer finite
            is_last = ended or step.k == self.iterations
            x = equation.picture(step.best if is_last else step.z)
            x = along(scale, x) * x.to(y.dtype.to_real().to_complex() if x.is_complex() else y.dtype.to_real())
            scalars = {
                "residual": _largest(step.residuals),
                "contraction": _largest(step.contraction),
                "relative_residual": relative_residual(x, problem),
            }
            now = {"solver": step.state, "k": step.k, "x": x, "scalars": scalars, "converged": converged}
            lacks = self._not_found(step) if is_last and not converged else ""
            told = also(strange, scalars["relative_residual"], step.k)
            yield Iterate(
                x, step.k, self.iterations, scalars, state=now, converged=converged, remark=told, not_found=lacks
            )
            if is_last:
                return

    def _first(self, equation: Equation, start: Tensor, scale: Tensor) -> Any:
        """The state to begin with for a picture in the units of the data."""
        from napari_mlpatch.networks.scaling import along

        if equation.first is None:
            raise InputError("The network of these weights has one state to begin with, so no picture to start from.")
        own = equation.picture(equation.start)
        unit = along(torch.where(scale != 0, scale, 1.0), start)
        return equation.first(begun(start / unit, own))

    def _not_found(self, step: FixedPointStep) -> str:
        """What is to be said of the best iterate, where no fixed point was found."""
        ratio, best = _largest(step.contraction), _largest(step.best_residuals)
        outlook = "The map was seen to move pictures apart, so more iterations need not help."
        if not ratio > 0:
            outlook = "More iterations will tell whether there is one."
        elif ratio < 1:
            outlook = "The map brings pictures together: more iterations will find it."
        return (
            f"Not converged: after {step.k} iterations the residual of the fixed point is "
            f"{_largest(step.residuals):.2g}, the tolerance {self.tolerance:g}. This is the iterate of least residual, "
            f"{best:.2g}. {outlook} (contraction {ratio:.3g})"
        )


def _largest(values: Tensor) -> float:
    """Of the items; as large as numbers get where there is none."""
    return min(float(values.max()), MOST)

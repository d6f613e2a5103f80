"""Gradients through solves by the implicit function theorem: what is kept does not grow with the iterations.

Needs PyTorch at once, as networks do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.operator import Operator

from .cg import cg
from .fixed_point import FixedPointStep, fixed_point
from .items import each, item_count
from .shifted import closed_form, preconditioner
from .states import State, joined, parts, separated

Backward = Literal["anderson", "broyden", "plain", "neumann", "jacobian-free"]


# ---- (AᵀA + alpha I) x = b ----------------------------------------------------------------------------------------


def solve_shifted(
    A: Operator,
    b: Tensor,
    alpha: float | Tensor,
    x: Tensor | None = None,
    *,
    iterations: int = 100,
    tolerance: float = 1e-6,
    damping: float = 0.0,
    report: Callable[[Tensor], None] | None = None,
) -> Tensor:
    """``(AᵀA + alpha I)⁻¹ b`` for images b ``[B, C, *space]``, differentiable in b and in ``alpha > 0``.

    ``alpha`` is one for all items or ``[B]``. In closed form where the operator has one, else by preconditioned
    conjugate gradients from ``x`` (zero by default), until ``‖residual‖ <= tolerance ‖b‖`` and for at most
    ``iterations``; on a GPU always so many, as it is never waited for. With the solution x and its gradient g,

        w = (AᵀA + alpha I)⁻¹ g,   gradient of b: w,   of alpha: -Re <w, x>

    takes one more solve of the same kind, whatever the number of steps; they are those of the exact solution, and right
    to the relative residual, which ``report`` is given for each item, ``[B]``, of the solve and of each one of its
    derivatives. To any order, forwards, backwards and under ``vmap``.

    Raises InputError for an alpha that is not positive (on the CPU) or of another number of items.
    """
    if A.complex_image and not b.is_complex():
        b = b.to(b.dtype.to_complex())  # under autograd, so that the gradient is real again
    A._check(b, "normal")
    if not torch.is_tensor(alpha):
        alpha = torch.full((), float(alpha), dtype=torch.float64, device=b.device)
    if alpha.ndim > 1 or (alpha.ndim == 1 and len(alpha) not in (1, item_count(b))):
        raise InputError(f"alpha is one number, or one for each of {item_count(b)} items, got {list(alpha.shape)}.")
    solve = _Shifted(A, iterations, tolerance, damping, report)
    return _ShiftedSolve.apply(b, alpha.expand(item_count(b)), x, solve)  # type: ignore[return-value]


@dataclass(frozen=True)
class _Shifted:
    """How such a system is solved."""

    A: Operator
    iterations: int
    tolerance: float
    damping: float
    report: Callable[[Tensor], None] | None

    def __call__(self, b: Tensor, alpha: Tensor, x: Tensor | None) -> Tensor:
        A = self.A
        if alpha.device.type == "cpu" and not bool((alpha > 0).all()):
            raise InputError(f"AᵀA + alpha I needs alpha > 0, got {float(alpha.min()):g}.")
        if A.closed_form:
            if self.report:
                self.report(torch.zeros(len(b), dtype=torch.float64, device=b.device))
            return closed_form(A, b, alpha)
        shift = each(alpha, b)
        on_gpu = b.device.type != "cpu"
        *_, last = cg(
            lambda v: A.normal(v) + shift * v,
            b,
            torch.zeros_like(b) if x is None else x,
            precondition=preconditioner(A, b, shift, self.damping),
            iterations=self.iterations,
            tolerance=self.tolerance,
            least=self.iterations if on_gpu else 0,
            exact=self.tolerance if on_gpu else 0.0,
        )
        if self.report:
            self.report(last.relative_residual)
        return last.x


class _ShiftedSolve(torch.autograd.Function):
    """Solution for b and ``alpha [B]``; no derivative by the start x."""

    @staticmethod
    def forward(b: Tensor, alpha: Tensor, x: Tensor | None, solve: _Shifted) -> Tensor:  # type: ignore[override]
        with torch.autocast(b.device.type, enabled=False):
            return solve(b, alpha, x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None, _Shifted], output: Tensor) -> None:
        _, alpha, _, ctx.solve = inputs
        ctx.save_for_backward(alpha, output)
        ctx.save_for_forward(alpha, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor):  # type: ignore[override]
        alpha, solution = ctx.saved_tensors
        w = _ShiftedSolve.apply(grad, alpha, None, ctx.solve)
        of_alpha = -_dot(w, solution).to(alpha.dtype) if ctx.needs_input_grad[1] else None  # type: ignore[arg-type]
        return w, of_alpha, None, None

    @staticmethod
    def jvp(ctx: Any, b: Tensor | None, alpha: Tensor | None, *_: None):  # type: ignore[override]
        known, solution = ctx.saved_tensors
        change = torch.zeros_like(solution) if b is None else b
        if alpha is not None:
            change = change - each(alpha, solution) * solution
        return _ShiftedSolve.apply(change, known, None, ctx.solve)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], b: Tensor, alpha: Tensor, x: Tensor | None, solve: _Shifted):  # type: ignore[override]
        n = info.batch_size
        first = [
            None if v is None else (v.expand(n, *v.shape) if d is None else v.movedim(d, 0)).flatten(0, 1)
            for v, d in zip((b, alpha, x), in_dims, strict=False)
        ]
        return _ShiftedSolve.apply(*first, solve).unflatten(0, (n, -1)), 0  # type: ignore[union-attr]


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """``Re <a, b>`` of each item, ``[B]``."""
    return (a.conj() * b).real.flatten(1).sum(1) if a.is_complex() else (a * b).flatten(1).sum(1)


# ---- z = f(z) -----------------------------------------------------------------------------------------------------


@dataclass
class Equilibrium:
    """A fixed point of f, and how far the solves that gave it and its gradient came."""

    z: State
    """Differentiable in all that f depends on."""
    forward: FixedPointStep
    """The last step of the solve: its ``converged`` and ``residuals``, ``[B]``, tell whether z is one."""
    backward: FixedPointStep | None = None
    """That of the gradient's own fixed point, once there is one; None where it was taken without a solve."""


def equilibrium(
    f: Callable[[State], State],
    z: State,
    *,
    backward: Backward = "anderson",
    backward_iterations: int = 50,
    backward_tolerance: float | Tensor = 1e-4,
    backward_options: dict[str, Any] | None = None,
    **options: Any,
) -> Equilibrium:
    """The fixed point ``z = f(z)`` by ``fixed_point(f, z, **options)``, differentiable in all that f depends on.

    With J the Jacobian of f there, gradients are those of the implicit function theorem (Bai, Kolter & Koltun, NeurIPS
    2019; Gilton, Ongie & Willett, IEEE Trans. Comput. Imaging 7, 2021): of a parameter θ, for the gradient g of z,

        (∂f/∂θ)ᵀ v,   v = Jᵀ v + g

    anderson, broyden, plain   v is a fixed point of its own, found to ``backward_tolerance``
    neumann                    ``v = sum over i <= backward_iterations of (Jᵀ)^i g``, ended by the tolerance as well
    jacobian-free              ``v = g`` (Fung et al., AAAI 2022): no solve, another direction of descent

    One evaluation of f is kept, the last, whatever the iterations. Solves that do not converge give their best iterate;
    ``forward.converged``, ``backward.converged`` of the answer tell. Without gradients (``torch.no_grad``) z is that
    iterate. The gradient itself cannot be differentiated: PyTorch raises RuntimeError. Raises InputError like
    ``fixed_point``.
    """
    if backward not in ("anderson", "broyden", "plain", "neumann", "jacobian-free"):
        raise InputError(f"There is no backward {backward!r}: take anderson, broyden, plain, neumann or jacobian-free.")
    last = _last(f, z, **options)
    if last is None:
        raise InputError("A fixed point needs at least one iteration: give iterations >= 1.")
    if not torch.is_grad_enabled():
        return Equilibrium(last.best, last)
    start = tuple(part.detach().clone().requires_grad_() for part in parts(last.best))
    image = f(start if isinstance(z, tuple) else start[0])
    if not _depends_on_more(parts(image), start):
        return Equilibrium(last.best, last)
    found = Equilibrium(None, last)
    rule = {
        "solver": "plain" if backward == "neumann" else backward,
        "iterations": backward_iterations,
        "tolerance": backward_tolerance,
        **(backward_options or {}),
    }
    made = _Implicit.apply(found, None if backward == "jacobian-free" else rule, *start, *parts(image))
    found.z = tuple(made) if isinstance(z, tuple) else made[0]  # type: ignore[index]
    return found


def _last(f: Callable[[State], State], z: State, **options: Any) -> FixedPointStep | None:
    """The last step, without what would continue it."""
    step = None
    for following in fixed_point(f, z, **options):
        step = following
    return step and replace(step, state={})


class _Implicit(torch.autograd.Function):
    """``image = f(start)``, whose gradient is solved for before it goes on into f."""

    @staticmethod
    def forward(ctx: Any, found: Equilibrium, rule: dict[str, Any] | None, *both: Tensor):  # type: ignore[override]
        ctx.found, ctx.rule = found, rule
        ctx.save_for_backward(*both)
        return tuple(part.view_as(part) for part in both[len(both) // 2 :])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor):  # type: ignore[override]
        half = len(ctx.saved_tensors) // 2
        start, image = ctx.saved_tensors[:half], ctx.saved_tensors[half:]
        g = tuple(grads)
        if ctx.rule is not None:
            transpose = _transpose(start, image)
            constant = joined(g)
            last = _last(lambda v: separated(joined(transpose(v)) + constant, g), g, **ctx.rule)
            if last is not None:
                ctx.found.backward = last
                g = last.best
        return None, None, *[None] * half, *g


def _depends_on_more(image: tuple[Tensor, ...], start: tuple[Tensor, ...]) -> bool:
    """Whether there is anything to differentiate by but the start."""
    seen, nodes = set(), [part.grad_fn for part in image]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None and not any(leaf is part for part in start):
            return True
        nodes += [following for following, _ in node.next_functions]
    return False


def _transpose(start: tuple[Tensor, ...], image: tuple[Tensor, ...]) -> Callable[[tuple[Tensor, ...]], State]:
    """``v -> Jᵀ v`` for the Jacobian of an image by its start."""
    differentiable = [part for part in image if part.requires_grad]

    def apply(v: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        chosen = [w for w, part in zip(v, image, strict=True) if part.requires_grad]
        return torch.autograd.grad(differentiable, start, chosen, retain_graph=True, materialize_grads=True)

    return apply

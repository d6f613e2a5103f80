"""The data step of every splitting method: ``(AᵀA + alpha I) x = b``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from napari_mlpatch.core.operator import Operator
from napari_mlpatch.torch_later import Tensor, torch

from .cg import CgStep, Linear, cg
from .circulant import dividing, without_zeros
from .items import dot, each, item_count, norm, ratio
from .smoothed import smoothed

EXACT = 1e-6
"""A relative residual that is as good as none in single precision."""
LIGHT = 4e-3
"""Weights, in mean eigenvalues of AᵀA, below which rounding errors of Aᵀy in single precision would show: the solution
amplifies them by up to ``‖A‖² / weight`` where A hardly sees."""
DAMPINGS = (0.0, 1.0)
TRIAL_SHIFT, TRIAL_STEPS = 1e-2, 12


def solve_shifted(
    A: Operator,
    b: Tensor,
    alpha: float | Tensor,
    x: Tensor,
    *,
    other: Tensor | None = None,
    iterations: int = 100,
    tolerance: float | Tensor = 1e-6,
    error: float | Tensor | None = None,
    damping: float = 0.0,
) -> Iterator[CgStep]:
    """Solve ``(AᵀA + alpha I) x = b`` for ``alpha > 0``, one for all items or ``[B]``; yields each step.

    In closed form where the operator has one (one step), else by conjugate gradients preconditioned with the
    operator's circulant approximation, until ``‖residual‖ <= tolerance ‖b‖``. With an ``error`` (one for all, or
    ``[B]``), until x is no farther from the solution for sure, as ``‖x - solution‖ <= ‖residual‖ / alpha``; then the
    end depends continuously on the data (``smoothed``). They start from ``x``, or from the best point on the line
    through ``x`` and ``other``. ``damping``: see ``choose_damping``.
    """
    alphas = torch.as_tensor(alpha, dtype=torch.float64).cpu()
    if A.closed_form:
        solution = closed_form(A, b, alphas)
        yield CgStep(solution, b.new_zeros(()), torch.zeros(item_count(b), dtype=torch.float64), 1)
        return
    shift = each(alphas, b)

    def system(v: Tensor) -> Tensor:
        return A.normal(v) + shift * v

    residual = None
    if other is not None:
        x, residual = _best_on_line(system, b, x, other - x)
        yield CgStep(x, residual, ratio(norm(residual), norm(b)), 0)
    size = norm(b)
    enough = torch.as_tensor(tolerance).to(size) * size
    if error is not None:
        enough = torch.maximum(enough, alphas.to(size) * torch.as_tensor(error).to(size))
    steps = cg(
        system,
        b,
        x,
        precondition=preconditioner(A, b, shift, damping),
        iterations=iterations,
        tolerance=ratio(enough, size),
        residual=residual,
    )
    yield from steps if error is None else smoothed(steps, enough)


def preconditioner(A: Operator, like: Tensor, shift: Tensor, damping: float) -> Linear:
    """Division by the operator's circulant approximation, plus ``shift`` and ``damping`` times the mean eigenvalue."""
    axes = len(A.domain_shape)
    known = A.normal_symbol(like.device, like.dtype.to_real()) + (shift + damping * A.column_norm**2)
    symbol = without_zeros(known, axes)
    return dividing(symbol, like, axes)


def choose_damping(A: Operator, like: Tensor) -> Iterator[float]:
    """Which of ``DAMPINGS`` makes the preconditioner best; yields the best so far, and the last one counts.

    A circulant approximation is very good where A is nearly a convolution. Where it is not, as for several coils or few
    views, it takes directions that A sees for unseen ones and amplifies them. A few steps towards a known solution
    tell, for images like ``like [B, C, *space]``.
    """
    if A.closed_form:
        return
    generator = torch.Generator().manual_seed(0)
    kind = torch.complex64 if like.is_complex() else torch.float32
    noise = torch.randn(1, 1, *A.domain_shape, generator=generator, dtype=kind).to(like)
    alpha = TRIAL_SHIFT * A.column_norm**2
    best, least = DAMPINGS[0], math.inf

    def system(v: Tensor) -> Tensor:
        return A.normal(v) + alpha * v

    truth = A.normal(noise) / (A.column_norm**2 or 1.0) + noise
    b = system(truth)
    for damping in DAMPINGS:
        left = math.inf
        for step in cg(
            system,
            b,
            torch.zeros_like(b),
            precondition=preconditioner(A, b, each(alpha, b), damping),
            iterations=TRIAL_STEPS,
            least=TRIAL_STEPS,
        ):
            yield best
            left = float(dot(truth - step.x, step.residual))
        if left < 0.9 * least:
            best, least = damping, left
    yield best


def _best_on_line(system: Linear, b: Tensor, x: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """The point ``x + t · direction`` of least error in the norm of the system, and its residual."""
    residual, image = b - system(x), system(direction)
    curvature = dot(direction, image)
    t = each(torch.where(curvature > 0, dot(direction, residual) / curvature, 0.0), x)
    return x + t * direction, residual - t * image


def closed_form(A: Operator, b: Tensor, alphas: Tensor) -> Tensor:
    """The operator's own solution, for one alpha or ``[B]``; on a GPU, nothing waits for their values."""
    if alphas.device.type == "cpu":
        known = set(alphas.reshape(-1).tolist())
        if len(known) == 1:
            return A.solve_shifted(b, known.pop())  # a number, for which operators may keep tables
    return A.solve_shifted(b, each(alphas, b))

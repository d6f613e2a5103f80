"""The data step of every splitting method: ``(AᵀA + alpha I) x = b``."""

from __future__ import annotations

from collections.abc import Iterator

from napari_mlpatch.core.operator import Operator
from napari_mlpatch.torch_later import Tensor

from .cg import CgStep, cg
from .circulant import divide_spectrum


def solve_shifted(
    A: Operator, b: Tensor, alpha: float, x: Tensor, *, iterations: int = 100, tolerance: float = 1e-6
) -> Iterator[CgStep]:
    """Solve ``(AᵀA + alpha I) x = b`` for ``alpha > 0``, starting at ``x``; yields each step.

    In closed form where the operator has one (one step), else by conjugate gradients preconditioned with the
    operator's circulant approximation, until ``‖residual‖ <= tolerance ‖b‖``.
    """
    if A.closed_form:
        solution = A.solve_shifted(b, alpha)
        yield CgStep(solution, b.new_zeros(()), 0.0, 1)
        return
    symbol = A.normal_symbol(b.device, b.dtype.to_real()) + alpha

    yield from cg(
        lambda v: A.normal(v) + alpha * v,
        b,
        x,
        precondition=lambda r: divide_spectrum(r, symbol),
        iterations=iterations,
        tolerance=tolerance,
    )

"""The noise that a regularised solution has, where A hardly sees some directions and amplifies their noise."""

from __future__ import annotations

from collections.abc import Iterator

from napari_mlpatch.core.operator import Operator
from napari_mlpatch.solvers.items import norm
from napari_mlpatch.solvers.shifted import solve_shifted
from napari_mlpatch.torch_later import Tensor, torch

STEPS, TOLERANCE = 40, 1e-2
DIGITS = 256  # steps of alpha in a factor of two


def noise_of_solution(A: Operator, y: Tensor, alpha: Tensor, damping: float) -> Iterator[Tensor]:
    """Standard deviation of the pixels of ``(AᵀA + alpha)⁻¹ Aᵀ n`` for white noise n of level one, ``[B]``.

    Its square is ``mean(s / (s + alpha)²)`` over the eigenvalues s of AᵀA, found by one random n (Hutchinson 1989):
    several coils that see aliased pixels almost alike, or a strong blur, amplify noise far more than ``1 / rms(columns
    of A)``, what it would be if all eigenvalues were equal. ``alpha`` is ``[B]``, the items' own. Yields what the steps
    so far tell, from below; the last one counts.
    """
    generator = torch.Generator().manual_seed(0)
    kind = torch.complex64 if y.is_complex() else torch.float32  # so that the numbers do not depend on the precision
    noise = torch.randn(1, 1, *A.range_shape, generator=generator, dtype=kind).to(y)
    if A.sampled is not None:
        noise = noise * A.sampled.to(y.device)
    alpha = _rounded(alpha, A.column_norm**2 or 1.0)
    b = A.T(noise).expand(len(y), *[-1] * (1 + len(A.domain_shape)))
    zero = torch.zeros_like(b)
    for step in solve_shifted(A, b, alpha, zero, iterations=STEPS, tolerance=TOLERANCE, damping=damping):
        yield norm(step.x).cpu() / step.x[0].numel() ** 0.5


def _rounded(alpha: Tensor, unit: float) -> Tensor:
    """To a few digits, in any unit: conjugate gradients would make an error of rounding one of a percent here."""
    return unit * torch.exp2((DIGITS * (alpha / unit).log2()).round() / DIGITS)

"""Alternating direction method of multipliers for a least-squares term and any number of simple terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .cg import Linear, cg, norm
from .circulant import divide_spectrum

TINY = 1e-300
EXACT = 1e-6
"""A relative residual that is as good as none in single precision."""
INEXACT = 1.0
"""What the linear systems may leave, in terms of how far the splitting moved in the step before: a relative criterion
in the spirit of Eckstein & Yao (Math. Program. 170, 2018), chosen by trial."""


@dataclass(frozen=True)
class Term:
    """One term ``g(K x)``: K, its transpose, ``prox(v, step) = argmin_z g(z) + ‖z - v‖² / (2 step)``.

    ``symbol`` holds the eigenvalues of KᵀK (or a circulant approximation) in ``rfft2`` layout.
    """

    K: Linear
    KT: Linear
    prox: Callable[[Tensor, float], Tensor]
    symbol: Tensor | float


@dataclass(frozen=True)
class AdmmStep:
    """One iteration: x, relative change of x, primal residual ``‖K x - z‖ / max(‖K x‖, ‖z‖)`` and dual residual.

    ``solved`` tells whether the linear system was solved as well as the splitting needs.
    """

    x: Tensor
    k: int
    change: float
    primal: float
    dual: float
    solved: bool
    state: dict[str, Any]


def admm(
    normal: Linear,
    b: Tensor,
    terms: Sequence[Term],
    x: Tensor,
    *,
    normal_symbol: Tensor | float,
    rho: float,
    iterations: int,
    inner_iterations: int = 2,
    patience: int = 5,
    inner_tolerance: float = 1e-7,
    balance_until: int = 60,
    state: dict[str, Any] | None = None,
) -> Iterator[AdmmStep | None]:
    """Minimise ``½ <x, normal(x)> - <b, x> + sum_i g_i(K_i x)``.

    Scaled form of Boyd et al. (2011, section 3.1.1):

        x <- (normal + rho sum KᵀK)^-1 (b + rho sum Kᵀ(z - u))     preconditioned CG from the last x
        z <- prox(K x + u, 1 / rho)
        u <- u + K x - z

    The system gets ``inner_iterations`` of them, and up to ``patience`` times as many while its residual is larger
    than what the last step moved: where A hardly sees some frequencies, few would stop far from the solution.
    ``rho`` follows the residuals during the first ``balance_until`` iterations (section 3.4.1). Yields ``None`` between
    inner iterations. ``state`` of an earlier step continues it exactly.
    """
    k, first, enough = 0, iterations, math.inf
    if state is None:
        z = [t.K(x) for t in terms]
        u = [torch.zeros_like(v) for v in z]
    else:
        x, z, u, rho, k = state["x"], list(state["z"]), list(state["u"]), state["rho"], state["k"]
        enough = state["enough"]
    while k < first:
        k += 1

        def system(v: Tensor, rho: float = rho) -> Tensor:
            return normal(v) + rho * sum((t.KT(t.K(v)) for t in terms), torch.zeros_like(v))

        divisor = normal_symbol + rho * sum((t.symbol for t in terms), 0.0)
        if torch.is_tensor(divisor):  # zero for what neither data nor terms see, such as the mean of a mass map
            divisor = torch.where(divisor > 1e-6 * divisor.max(), divisor, divisor.max())

        def precondition(r: Tensor, divisor: Tensor | float = divisor) -> Tensor:
            return divide_spectrum(r, divisor)

        rhs = b + rho * sum((t.KT(zi - ui) for t, zi, ui in zip(terms, z, u, strict=True)), torch.zeros_like(b))
        previous = x
        solved = False
        most, size = patience * inner_iterations, norm(rhs)
        for step in cg(system, rhs, x, precondition=precondition, iterations=most, tolerance=inner_tolerance):
            x = step.x
            yield None
            solved = step.relative_residual * size <= max(enough, EXACT * size)
            if solved and step.k >= inner_iterations:
                break
        Kx = [t.K(x) for t in terms]
        z_old = z
        z = [t.prox(v + ui, 1.0 / rho) for t, v, ui in zip(terms, Kx, u, strict=True)]
        u = [ui + v - zi for v, zi, ui in zip(Kx, z, u, strict=True)]

        primal = _norm([v - zi for v, zi in zip(Kx, z, strict=True)]) / max(_norm(Kx), _norm(z), TINY)
        moved = _norm([t.KT(zi - o) for t, zi, o in zip(terms, z, z_old, strict=True)])
        enough = INEXACT * rho * moved
        dual = moved / max(_norm([t.KT(ui) for t, ui in zip(terms, u, strict=True)]), TINY)
        change = norm(x - previous) / max(norm(x), TINY)
        if k <= balance_until:
            scale = 2.0 if primal > 5.0 * dual else 0.5 if dual > 5.0 * primal else 1.0
            rho *= scale
            u = [ui / scale for ui in u]
        yield AdmmStep(
            x, k, change, primal, dual, solved, {"x": x, "z": z, "u": u, "rho": rho, "k": k, "enough": enough}
        )


def _norm(parts: list[Tensor]) -> float:
    return math.hypot(*(norm(p) for p in parts))

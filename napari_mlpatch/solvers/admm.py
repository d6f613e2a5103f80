"""Alternating direction method of multipliers for a least-squares term and any number of simple terms."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .cg import Linear, cg
from .circulant import dividing, without_zeros
from .items import chosen, each, item_count, norm, plus, ratio, wide_norm

EXACT = 1e-6
"""A relative residual that is as good as none in single precision."""
INEXACT = 1.0
"""What the linear systems may leave, in terms of how far the splitting moved in the step before: a relative criterion
in the spirit of Eckstein & Yao (Math. Program. 170, 2018), chosen by trial."""
REFRESH = 10
"""Iterations after which ``normal(x)`` is computed anew: between, it follows from the residual, rounding included."""


@dataclass(frozen=True)
class Term:
    """One term ``g(K x)``: K, its transpose, ``prox(v, step) = argmin_z g(z) + ‖z - v‖² / (2 step)``.

    ``step`` holds a number for each item, shaped to multiply x. ``symbol`` holds the eigenvalues of KᵀK (or a circulant
    approximation) in ``rfftn`` layout.
    """

    K: Linear
    KT: Linear
    prox: Callable[[Tensor, Tensor], Tensor]
    symbol: Tensor | float


@dataclass(frozen=True)
class AdmmStep:
    """One iteration: x and, for each item ``[B]``, the relative change of x, the primal residual
    ``‖K x - z‖ / max(‖K x‖, ‖z‖)`` and the dual residual.

    ``solved`` tells whether the linear system was solved as well as the splitting needs, ``converged`` whether change
    and primal residual are within the tolerance then (never for a tolerance of zero).
    """

    x: Tensor
    k: int
    change: Tensor
    primal: Tensor
    dual: Tensor
    solved: Tensor
    converged: Tensor
    state: dict[str, Any]


def admm(
    normal: Linear,
    b: Tensor,
    terms: Sequence[Term],
    x: Tensor,
    *,
    normal_symbol: Tensor | float,
    rho: float | Tensor,
    iterations: int,
    tolerance: float = 0.0,
    inner_iterations: int = 2,
    patience: int = 5,
    inner_tolerance: float = 1e-7,
    balance_until: int = 60,
    axes: int = 2,
    state: dict[str, Any] | None = None,
) -> Iterator[AdmmStep | None]:
    """Minimise ``½ <x, normal(x)> - <b, x> + sum_i g_i(K_i x)`` for each item of a batch.

    Scaled form of Boyd et al. (2011, section 3.1.1):

        x <- (normal + rho sum KᵀK)^-1 (b + rho sum Kᵀ(z - u))     preconditioned CG from the last x
        z <- prox(K x + u, 1 / rho)
        u <- u + K x - z

    The system gets ``inner_iterations`` of them, and up to ``patience`` times as many while its residual is larger
    than what the last step moved: where A hardly sees some frequencies, few would stop far from the solution.
    ``rho``, one for all or ``[B]``, follows the residuals during the first ``balance_until`` iterations (section
    3.4.1). An item that has converged stays as it is while others go on. Yields ``None`` between inner iterations.
    ``state`` of an earlier step continues it exactly; where all have converged, that step comes again.
    """
    count, device = item_count(x), x.device
    k, image = 0, None
    if state is None:
        z = [t.K(x) for t in terms]
        u = [torch.zeros_like(v) for v in z]
        rho = torch.as_tensor(rho, dtype=torch.float64, device=device).expand(count)
        enough = torch.full((count,), math.inf, dtype=torch.float64, device=device)
        done = torch.zeros(count, dtype=torch.bool, device=device)
    else:
        if bool(state["done"].all()):
            change, primal, dual = state["residuals"]
            yield AdmmStep(state["x"], state["k"], change, primal, dual, state["done"], state["done"], state)
            return
        x, z, u, rho, k = state["x"], list(state["z"]), list(state["u"]), state["rho"], state["k"]
        enough, done, image = state["enough"], state["done"], state.get("image")
    while k < iterations:
        k += 1
        strength = each(rho, x)

        def system(v: Tensor, strength: Tensor = strength) -> Tensor:
            return _plus(normal(v), strength, _sum(t.KT(t.K(v)) for t in terms))

        divisor = without_zeros(normal_symbol + strength * sum((t.symbol for t in terms), 0.0), axes)
        rhs = _plus(b, strength, _sum(t.KT(zi - ui) for t, zi, ui in zip(terms, z, u, strict=True)))
        if image is None or k % REFRESH == 0:
            image = normal(x)
        residual = rhs - _plus(image, strength, _sum(t.KT(t.K(x)) for t in terms))
        before, size = (x, z, u, rho, image), norm(rhs)
        enough = torch.maximum(enough, EXACT * size)
        solved = done
        for step in cg(
            system,
            rhs,
            x,
            precondition=dividing(divisor, x, axes),
            iterations=patience * inner_iterations,
            tolerance=torch.where(done, math.inf, ratio(enough, size)),
            least=inner_iterations,
            exact=inner_tolerance,
            residual=residual,
        ):
            x, residual = step.x, step.residual
            if device.type == "cpu":  # a GPU takes less for all of them than a break costs
                yield None
            solved = done | (step.relative_residual * size <= enough)
        Kx = [t.K(x) for t in terms]
        image = rhs - _plus(residual, strength, _sum(t.KT(v) for t, v in zip(terms, Kx, strict=True)))
        z = [t.prox(v + ui, 1.0 / strength) for t, v, ui in zip(terms, Kx, u, strict=True)]
        u = [ui + v - zi for v, zi, ui in zip(Kx, z, u, strict=True)]

        primal = ratio(
            _norm([v - zi for v, zi in zip(Kx, z, strict=True)], x), torch.maximum(_norm(Kx, x), _norm(z, x))
        )
        moved = _norm([t.KT(zi - o) for t, zi, o in zip(terms, z, before[1], strict=True)], x)
        dual = ratio(moved, _norm([t.KT(ui) for t, ui in zip(terms, u, strict=True)], x))
        change = ratio(norm(x - before[0]), norm(x))
        enough = INEXACT * rho * moved
        if k <= balance_until:
            scale = torch.where(primal > 5.0 * dual, 2.0, torch.where(dual > 5.0 * primal, 0.5, 1.0))
            rho, factor = rho * scale, 1.0 / each(scale, x)
            u = [factor * ui for ui in u]
        if count > 1:
            x, rho = chosen(done, before[0], x), torch.where(done, before[3], rho)
            image = chosen(done, before[4], image)
            z, u = (_kept(done, *pair, x) for pair in ((before[1], z), (before[2], u)))
        if tolerance:
            done = done | (solved & (torch.maximum(change, primal) <= tolerance))
        state = {"x": x, "z": z, "u": u, "rho": rho, "k": k, "enough": enough, "done": done, "image": image}
        state["residuals"] = change, primal, dual
        yield AdmmStep(x, k, change, primal, dual, solved, done, state)
        if bool(done.all()):
            return


def _sum(parts: Iterable[Tensor]) -> Tensor | None:
    """None where there are no parts."""
    some = list(parts)
    return functools.reduce(operator.add, some) if some else None


def _plus(x: Tensor, factor: Tensor, y: Tensor | None) -> Tensor:
    return x if y is None else plus(x, factor, y)


def _norm(parts: list[Tensor], x: Tensor) -> Tensor:
    """Length of all parts together for each item; some have a further axis in front."""
    if x.device.type != "cpu" and parts and x.ndim > 2:
        lengths = [wide_norm(part if part.ndim == x.ndim else part.transpose(0, 1)) for part in parts]
        return torch.stack(lengths).square().sum(0).sqrt()
    lengths = [norm(p) for part in parts for p in (part if part.ndim > x.ndim else [part])]
    return torch.stack(lengths or [norm(x[:0] if x.ndim < 3 else x[:, :0])]).square().sum(0).sqrt()


def _kept(done: Tensor, old: list[Tensor], new: list[Tensor], x: Tensor) -> list[Tensor]:
    """``new``, but for the items that are done."""
    mask = done.reshape(-1, *[1] * (x.ndim - 1))
    return [torch.where(mask, o, n) for o, n in zip(old, new, strict=True)]

"""Fixed points ``z = f(z)``: plain iteration, Anderson acceleration and Broyden's method, as generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor, torch

from .acceleration import UPDATES, Pairs, Update
from .items import numbers
from .states import State, each_norm, joined, same_form, separated

Solver = Literal["anderson", "broyden", "plain"]
GROWTH = 2.0
"""A residual of so many times the least one makes an item start anew from its best iterate."""
LATEST = 5
"""Steps that the contraction is estimated from."""
LOOKS = 5
"""Of so many iterations on a GPU, where each look at a number waits for it, one is looked at."""


@dataclass(frozen=True)
class FixedPointStep:
    """After ``k`` evaluations of f, the last of them at x: ``z = f(x)``, and for each item ``[B]``

    residuals     ``‖f(x) - x‖ / ‖f(x)‖``, in double precision; infinite where f(x) is not finite
    converged     whether they came within the tolerance: z stays as it is from then on
    best          f(x) of the least residual so far, ``best_residuals``; the start where none was finite
    contraction   the largest ``‖f(x) - f(x')‖ / ‖x - x'‖`` of the last steps from x' to x: a lower bound of f's
                  Lipschitz constant, which plain iterations bring near the spectral radius of its Jacobian; 0 before
                  the second step

    ``state`` continues it.
    """

    z: State
    residuals: Tensor
    converged: Tensor
    best: State
    best_residuals: Tensor
    contraction: Tensor
    k: int
    state: dict[str, Any] = field(default_factory=dict, repr=False)


def fixed_point(
    f: Callable[[State], State],
    z: State,
    *,
    solver: Solver = "anderson",
    iterations: int = 50,
    tolerance: float | Tensor = 1e-4,
    memory: int | None = None,
    beta: float = 1.0,
    regularisation: float = 1e-4,
    look: int | None = None,
    state: dict[str, Any] | None = None,
) -> Iterator[FixedPointStep]:
    """Solve ``z = f(z)`` from the start ``z``; yields each evaluation of f, until residuals are within ``tolerance``.

    ``z`` is a tensor ``[B, ...]`` or a tuple of them, real or complex, whose form f keeps. Items of a batch are
    problems of their own with a tolerance each (one for all, or ``[B]``): one that has converged, or is no longer
    finite, stays as it is while others go on. Whether any goes on is looked at every ``look`` iterations (1; 5 on a
    GPU, which nothing else here waits for). f is evaluated without gradients: for these, see ``implicit.equilibrium``.

    plain       ``x <- x + beta (f(x) - x)``
    anderson    the combination of the last ``memory`` (5) steps of least residual: ``acceleration.Anderson``
    broyden     quasi-Newton, starting anew after ``memory`` (20) steps: ``acceleration.Broyden``

    The latter two forget an item's past steps when its residual grows to twice its least, and let it go on from its
    best. ``converged`` of the last step tells whether ``iterations`` were enough. ``state`` of a step continues from
    it, up to ``iterations`` in all; nothing is yielded where nothing is left to do. Raises InputError for unknown
    solvers, and where ``z`` or ``f(z)`` is no such state.
    """
    _check(solver, iterations, memory)
    options = {"beta": beta, "regularisation": regularisation} | ({"memory": memory} if memory else {})
    update = UPDATES[solver](**options)
    progress, like, done = (state[key] for key in ("progress", "like", "k")) if state else (_start(z), z, 0)
    look = look or (1 if progress.x.device.type == "cpu" else LOOKS)
    tolerance = numbers(tolerance, progress.x.device)
    for k in range(done + 1, iterations + 1):
        is_new = k == 1
        if not is_new and (k == done + 1 or (k - 1) % look == 0) and not bool(progress.going.any()):
            return
        with torch.no_grad():
            progress = _advanced(f, like, progress, update, tolerance)
        yield FixedPointStep(
            separated(progress.z, like),
            progress.residuals,
            progress.converged,
            separated(progress.best, like),
            progress.least,
            torch.stack(progress.ratios).amax(0),
            k,
            {"progress": progress, "like": like, "k": k},
        )


@dataclass(frozen=True)
class _Progress:
    """Where each item stands: vectors ``[B, n]``, numbers ``[B]``."""

    x: Tensor  # where f is evaluated next
    z: Tensor
    best: Tensor
    least: Tensor
    residuals: Tensor
    going: Tensor
    converged: Tensor
    ratios: tuple[Tensor, ...]
    age: Tensor  # steps since the item started (anew)
    pairs: Pairs = ()
    previous: tuple[Tensor, Tensor] | None = None  # x of the step before and its f(x) - x


def _start(z: State) -> _Progress:
    x = joined(z).detach()
    infinite = torch.full((len(x),), torch.inf, dtype=torch.float64, device=x.device)
    going = torch.ones(len(x), dtype=torch.bool, device=x.device)
    zeros = torch.zeros_like(infinite)
    return _Progress(x, x, x, infinite, infinite, going, ~going, (zeros,), zeros)


def _advanced(f: Callable[[State], State], like: State, now: _Progress, update: Update, tolerance: Tensor) -> _Progress:
    """After one more evaluation of f."""
    x, going = now.x, now.going
    image = joined(same_form(f(separated(x, like)), like)).to(x)
    r = image - x
    residual = _relative(r, image)
    finite = residual.isfinite()
    better = going & (residual < now.least)
    least, best = torch.where(better, residual, now.least), _chosen(better, image, now.best)
    converged = now.converged | (going & (residual <= tolerance))
    is_young = now.age < 1
    anew = torch.zeros_like(going)
    if update.remembers:  # a plain iteration has nothing to forget, and would come the same way again
        anew = going & ~is_young & (~finite | ((residual > GROWTH * now.least) & (now.age > 1)))
    pairs, ratio = now.pairs, now.ratios[-1]
    if now.previous is not None:
        dx, dr = x - now.previous[0], r - now.previous[1]
        moved = each_norm(dx)
        told = going & finite & ~is_young & (moved > 8 * torch.finfo(x.dtype).eps * each_norm(x))
        ratio = torch.where(told, each_norm(dx + dr) / torch.where(told, moved, 1.0), ratio)
        useful = (told & ~anew)[:, None]
        pairs = tuple((torch.where(anew[:, None], 0.0, a), torch.where(anew[:, None], 0.0, b)) for a, b in pairs)
        pairs = update.remember(pairs, torch.where(useful, dx, 0.0), torch.where(useful, dr, 0.0))
    on = going & ~converged & (finite | anew)
    following = _chosen(anew, best, update.following(x, r, image, pairs))
    return replace(
        now,
        x=_chosen(on, following, x),
        z=_chosen(going & finite, image, now.z),
        best=best,
        least=least,
        residuals=torch.where(going, residual, now.residuals),
        going=on,
        converged=converged,
        ratios=(*now.ratios, ratio)[-LATEST:],
        pairs=pairs,
        age=torch.where(anew, 0.0, now.age + 1.0),
        previous=(x, r),
    )


def _relative(r: Tensor, image: Tensor) -> Tensor:
    """``‖r‖ / ‖image‖``, zero where r is and infinite where it is no number."""
    size, length = each_norm(r), each_norm(image)
    value = torch.where(length > 0, size / torch.where(length > 0, length, 1.0), torch.inf)
    return torch.where(size == 0, 0.0, value).nan_to_num(nan=torch.inf, posinf=torch.inf)


def _chosen(mask: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(mask[:, None], a, b)


def _check(solver: str, iterations: int, memory: int | None) -> None:
    if solver not in UPDATES:
        raise InputError(f"There is no fixed-point solver {solver!r}: take one of {', '.join(UPDATES)}.")
    if iterations < 0 or (memory is not None and memory < 1):
        raise InputError(
            f"Got iterations = {iterations} and memory = {memory}: a number of iterations is at least 0, "
            "a memory at least 1."
        )

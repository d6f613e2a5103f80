"""The noise of a measurement from what no image explains: data beyond the range of A hold noise alone."""

from __future__ import annotations

import math
from collections.abc import Callable

from napari_mlpatch.core.noise_level import from_image
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.torch_later import Tensor, torch

STEPS = 300
EVERY = 5  # steps between looks at the level
SETTLED = 0.995  # of the level before, above which it falls no further
CALM = 4  # looks, one after the other, at which it fell no further
SOLVED = 1e-11  # of the gradient's energy at first: it is zero but for rounding
LOST = 12  # looks, one after the other, that tell nothing
GROWN = 1.05  # of the least that was left of z: an upper bound
KEPT = 0.9  # of the samples, by size: the few that are fitted last do not count
ROUNDING = 1e-5
EXPLAINED = 3e-3  # of the rms of y
FEWEST = 30.0  # unexplained values, below which their level is left to chance


def unexplained(
    A: Operator,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    real: bool = False,
    turn: Tensor | None = None,
    seen: Callable[[Tensor, Tensor], None] | None = None,
) -> tuple[float, float]:
    """Standard deviation of white noise in ``y`` [B, C, *range_shape], and the share of the noise that told it.

    Least squares ``min_x ‖W^½ (A x - y)‖`` by conjugate gradients. What is left of y is ``p(AAᵀW) y`` with a
    polynomial p that is one at zero: noise beyond the range of A stays whole. The same polynomial acts on a white noise
    z of level one, so that ``std = ‖p y‖ / ‖p z‖`` holds at each step but for what is left of the image, which makes it
    too large; the norms leave out the largest tenth of the samples. It ends where the level settles, after 300 steps at
    the latest; 0 where it still falls then, below 0.3 % of y: that was computed from an image. ``weights`` (positive,
    of a shape that broadcasts to y) only make it quicker. ``real`` says to look for a real image times a constant
    phase, which explains less than a complex one; ``turn``, for a real image times these numbers of modulus one.
    ``seen`` is called at the end with what is left of y and of z. Infinity where (almost) all of the noise is
    explained. Cf. the estimate of noise in Wahba, SIAM J. Sci. Stat. Comput. 4 (1983): ‖r‖² / trace.
    """
    y = y.detach()
    turn = _phase(A, y) if real else turn
    if turn is not None and turn.ndim and len(turn) > 1:
        turn = torch.cat([turn, turn])  # of z as well

    def back(r: Tensor) -> Tensor:
        x = A._adjoint(r if weights is None else r * weights)
        return x if turn is None else (x * turn.conj()).real.contiguous()

    def forth(x: Tensor) -> Tensor:
        return A._apply(x if turn is None else x * turn)

    z = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype).to(y.device)
    keep = None if A.sampled is None else A.sampled.to(y.device).expand(A.range_shape)
    given = len(y)
    r = torch.cat([y, z if keep is None else z * keep])
    whole = _energy(r[given:])
    s = back(r)
    p, size = s, _energy(s[:given])
    level, calm, lost, least_left, first = math.inf, 0, 0, whole, size

    def look(least_left: float) -> tuple[float, float]:
        """The least that was left of z so far, and the level; infinity where more is left than that.

        The polynomial is made for y. Where y holds few frequencies, or nothing but rounding any more, it may be huge at
        the others, where z is not small.
        """
        left = _energy(r[given:])
        trusted = left <= GROWN * least_left
        return min(left, least_left), _level(r[:given], r[given:], keep) if trusted else math.inf

    for k in range(1, STEPS + 1):
        q = forth(p)
        length = _energy(q[:given], weights)
        if not (size > SOLVED * first and length > 0):
            break
        r = r - (size / length) * q
        if k % EVERY == 0:
            least_left, found = look(least_left)
            if math.isfinite(found):
                calm, lost = calm + 1 if found >= SETTLED * level else 0, 0
                level = min(level, found)
            else:
                lost += 1
            if calm == CALM or lost == LOST:
                break
        s = back(r)
        size, old = _energy(s[:given]), size
        p = s + (size / old) * p
    left = _energy(r[given:])
    if seen is not None:
        seen(r[:given], r[given:])
    known = left >= 1e-3 * whole and left >= FEWEST
    level = min(level, look(least_left)[1])
    if calm < CALM and lost < LOST and level < EXPLAINED * rounding(y) / ROUNDING:
        level = 0.0  # it would fall further, as far as rounding: nothing is left unexplained
    return level if known else math.inf, left / max(whole, 1e-300)


def level_of_picture(A: Operator, y: Tensor) -> float:
    """Standard deviation of the noise of data that were computed from a noisy picture, from their own quick picture.

    There white noise is no longer white, so its level by second differences counts relative to that in the quick
    picture of white real noise z, as ``from_image(pinv(y)) / from_image(pinv(A z)) · rms(A z)``. Details and artefacts
    can only raise it; a smooth picture without noise has none. Infinity where it cannot be found.
    """
    kind = y.dtype if A.complex_image else y.dtype.to_real()
    z = torch.randn(1, 1, *A.domain_shape, generator=torch.Generator().manual_seed(0), dtype=torch.float32).to(y.device)
    pure = A(z.to(kind))
    reference = from_image(A.pinv(pure))
    if not reference > 0:
        return math.inf
    count = pure.numel() if A.sampled is None else int(A.sampled.expand(A.range_shape).sum())
    return from_image(A.pinv(y)) / reference * math.sqrt(_energy(pure) / count)


def rounding(y: Tensor) -> float:
    """A level that rounding may have in y of single precision, or in what is computed of it: 1e-5 of its rms."""
    return ROUNDING * math.sqrt(_energy(y) / max(y.numel(), 1))


def least(levels: list[float], floor: float = 0.0) -> float:
    """The smallest of several estimates, all of which signal can only raise; 0 where there is none.

    Those up to ``floor`` count only if all are: others saw something, which the image and its noise explain alike in
    data that were computed from a noisy image.
    """
    finite = [level for level in levels if math.isfinite(level)]
    return min([level for level in finite if level > floor] or finite, default=0.0)


def _phase(A: Operator, y: Tensor) -> Tensor:
    """``exp(i phi)`` of a real image times a constant phase: half the phase of the sum of squares, exact without noise.

    For the sum pairs each frequency with its opposite, whichever are measured.
    """
    x = A._adjoint(y)
    return torch.polar(x.real.new_ones(()), 0.5 * (x * x).sum().angle())


def _energy(v: Tensor, weights: Tensor | None = None) -> float:
    squares = v.abs().double().square()
    return float((squares if weights is None else squares * weights).sum())


def _level(y: Tensor, z: Tensor, keep: Tensor | None) -> float:
    """Root of the ratio of the energies of both, each over its smallest samples."""
    energies = []
    for v in (y, z):
        squares = (v if keep is None else v[..., keep]).abs().double().square().flatten().sort().values
        energies.append(float(squares[: math.ceil(KEPT * len(squares))].sum()))
    return math.sqrt(energies[0] / energies[1]) if energies[1] > 0 else math.inf

"""Which samples of Cartesian k-space are measured. Zero frequency is at row and column ``n // 2``."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Direction = Literal["columns", "rows"]

RANDOM_PACKING = 0.835
"""Distance, in units of 1 / sqrt(density), at which discs thrown at random fill the plane (coverage 0.547)."""


def line_mask(
    image_shape: tuple[int, int],
    kind: Literal["variable-density", "equispaced"],
    *,
    acceleration: float,
    center_fraction: float,
    direction: Direction,
    seed: int,
) -> Mask:
    """Whole columns (or rows) of k-space, one in ``acceleration`` of them, all of them in the middle.

    "variable-density": the others at random, ever fewer outwards, with the density ``(1 - distance)³`` (Lustig,
    Donoho & Pauly, Magn. Reson. Med. 58, 2007). "equispaced": the others at equal steps, with a random start.
    """
    n = image_shape[1] if direction == "columns" else image_shape[0]
    kept, middle = counts(n, acceleration, center_fraction)
    lines = np.zeros(n, bool)
    start = n // 2 - middle // 2
    lines[start : start + middle] = True
    rest, rng = np.flatnonzero(~lines), np.random.default_rng(seed)
    if kept > middle and kind == "equispaced":
        step = len(rest) / (kept - middle)
        lines[rest[(rng.uniform(0.0, step) + step * np.arange(kept - middle)).astype(int)]] = True
    elif kept > middle:
        density = (1.0 - np.abs(rest - n // 2) / (n // 2 + 1.0)) ** 3
        lines[rng.choice(rest, kept - middle, replace=False, p=density / density.sum())] = True
    return np.broadcast_to(lines if direction == "columns" else lines[:, None], image_shape).copy()


def counts(n: int, acceleration: float, center_fraction: float) -> tuple[int, int]:
    """How many of n lines are kept, and how many of these lie together in the middle.

    Raises ValueError where the middle alone is more than is to be kept.
    """
    kept, middle = max(1, round(n / acceleration)), max(1, round(n * center_fraction))
    if middle > kept:
        raise ValueError(
            f"center_fraction = {center_fraction:g} takes {middle} of {n} lines, but acceleration = "
            f"{acceleration:g} leaves {kept}: lower one of them"
        )
    return kept, middle


@lru_cache(maxsize=16)
def poisson_disc_mask(image_shape: tuple[int, int], *, acceleration: float, center_fraction: float, seed: int) -> Mask:
    """Single samples at random that keep a distance from each other, which grows outwards; read-only.

    Dart throwing: grid points in random order, each taken unless an earlier one is closer than the distance
    ``scale · (1 + 2 |k|)``, |k| = 1 at the ends of the axes, beyond which nothing is measured. ``scale`` is found by
    bisection, from too many samples; what is too many is then left out at random. Cook, ACM Trans. Graph. 5 (1986).
    """
    rows, columns = image_shape
    r, c = (np.arange(n) - n // 2 for n in image_shape)
    radius = np.hypot(r[:, None] / max(rows / 2.0, 1.0), c / max(columns / 2.0, 1.0))
    size = [max(1, round(n * center_fraction)) for n in image_shape]
    middle = np.zeros(image_shape, bool)
    middle[tuple(slice(n // 2 - m // 2, n // 2 - m // 2 + m) for n, m in zip(image_shape, size, strict=True))] = True
    kept = max(1, round(rows * columns / acceleration))
    if middle.sum() > kept:
        raise ValueError(
            f"center_fraction = {center_fraction:g} takes {int(middle.sum())} samples, but acceleration = "
            f"{acceleration:g} leaves {kept} of {rows * columns}: lower one of them"
        )
    allowed = radius <= 1.0
    kept = min(kept, int((allowed | middle).sum()))
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(allowed & ~middle))
    low, high = 0.0, 2.0 * RANDOM_PACKING * math.sqrt(acceleration)
    best = allowed | middle
    for _ in range(7):
        scale = 0.5 * (low + high)
        found = _thrown(order, (scale * (1.0 + 2.0 * radius)) ** 2, middle, rng)
        if found.sum() < kept:
            high = scale
            continue
        low, best = scale, found
        if found.sum() <= 1.02 * kept:
            break
    surplus = rng.permutation(np.flatnonzero(best & ~middle))[: int(best.sum()) - kept]
    best.flat[surplus] = False
    best.setflags(write=False)
    return best


def _thrown(order: NDArray[np.intp], square: NDArray[np.floating], taken: Mask, rng: np.random.Generator) -> Mask:
    """``taken`` and those of ``order`` whose squared distance to the ones before is at least ``square``.

    Squared distances are whole numbers: ``square`` is rounded up or down at random, in proportion, so that the
    density changes smoothly.
    """
    squares = np.floor(square.ravel()[order] + rng.random(len(order))).astype(int)
    margin = math.isqrt(int(squares.max())) + 1
    width = taken.shape[1] + 2 * margin
    blocked = np.zeros((taken.shape[0] + 2 * margin) * width, bool)
    rows, columns = np.divmod(order, taken.shape[1])
    places = ((rows + margin) * width + columns + margin).tolist()
    reach = np.arange(-margin, margin + 1)
    discs = {}
    for limit in np.unique(squares).tolist():
        r, c = np.nonzero(reach[:, None] ** 2 + reach**2 < max(limit, 1))
        discs[limit] = (r - margin) * width + (c - margin)
    chosen = []
    for number, (place, limit) in enumerate(zip(places, squares.tolist(), strict=True)):
        if not blocked[place]:
            chosen.append(number)
            blocked[place + discs[limit]] = True
    found = taken.copy()
    found.flat[order[chosen]] = True
    return found

"""Whether measured pairs belong together: pictures in another order, or turned, would be learned without a word."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_mlpatch.core.operator import Operator

from ..pictures import turned

SOME, FEW = 16, 2
"""True pictures that are looked at, spread over the set; those of them that are turned."""
MUCH, WELL, CLEARLY = 0.1, 0.3, 0.5
"""Its own picture leaves more of a measurement unexplained, another one less, and less than this part of the former."""
MOST = 0.5
"""Another picture's measurement has more that is unexplained: a bent response to pictures of many sizes has less."""
NOTHING = 0.01, 1e-4
"""Of the strongest picture's, and of its own before what all have in common is taken out: no measurement to go by."""
TURNS = {
    2: "mirrored left to right",
    4: "mirrored top to bottom",
    6: "turned by 180 degrees",
    1: "transposed",
    3: "turned by 90 degrees clockwise",
    5: "turned by 90 degrees counter-clockwise",
    7: "mirrored about the other diagonal",
}


@torch.no_grad()
def mismatch(y: Tensor, x: Tensor, A: Operator) -> str:
    """How measurements ``[N, C, *range]`` and true pictures ``[N, C, *domain]`` seem to be mixed up; empty: not at all.

    A picture leaves ``min_c ‖P (y - c A x)‖ / ‖P y‖`` of a measurement unexplained. P takes out what all have in
    common: constants, and of three pairs or more the mean measurement and that of the mean picture. So no unit,
    offset, exposure or fixed background matters, and low contrast does not hide what differs.

    Up to 16 pictures, evenly spread, are compared with all measurements. Another one than its own is taken for
    that of a picture where it is explained well, and either's own partner explains clearly less, also with the mean
    left in: a background that looks like another picture, and a slightly wrong model, are no mix-up. One alone is none
    either. Of the pictures that explain little of their own measurement, the two strongest are turned.
    """
    common = [torch.ones_like(y[0])]
    mean = x.mean(0, keepdim=True)
    if len(x) > 2 and float((x - mean).abs().max()) > NOTHING[1] * float(x.abs().max()):
        common += [y.mean(0), A(mean)[0]]
    basis = _orthonormal([one.flatten() for one in common])
    count = min(SOME, len(x))
    places = [round(k * (len(x) - 1) / max(count - 1, 1)) for k in range(count)]
    found = [_deviation(A(x[j : j + 1]), basis) for j in places]
    strength = [float(torch.linalg.vector_norm(one)) for one in found]
    weak = NOTHING[0] * max(strength)
    left = torch.stack([_unexplained(_deviation(one, basis), found) for one in y]).cpu()  # [N, count]
    doubtful, told = [], []
    for k, j in enumerate(places):
        i, own = int(left[:, k].argmin()), float(left[j, k])
        if strength[k] <= weak or own < MUCH:
            continue
        doubtful.append((strength[k], j, own))
        other = float(left[i, k])
        if other < min(WELL, CLEARLY * own):
            both = [A(x[m : m + 1]) for m in (i, j)]
            its, rival, _, mine = _all(y[i], y[j], both, basis)
            plain = _all(y[i], y[j], both, basis[:1])
            clear = min(its, mine) > max(MOST, rival / CLEARLY) and plain[1] < CLEARLY * min(plain[0], plain[3])
            if clear and float(torch.linalg.vector_norm(_deviation(both[0], basis))) > weak:
                told.append((i, j, its, rival))
    if len(told) > 1:
        i, j, its, other = min(told)
        return (
            f"Measurement {i + 1} of the pairs is one of true picture {j + 1}, not of its own: that leaves {its:.2g} "
            f"of it unexplained, the other one {other:.2g}; so it is for {len(told)} of {count} pictures looked at. "
            "Give measurements and true pictures in the same order."
        )
    some = sorted(doubtful, reverse=True)[:FEW]
    which, most = " and ".join(str(j + 1) for _, j, _ in some), max((own for *_, own in some), default=0.0)
    for turn, how in TURNS.items() if x.ndim == 4 and some else ():
        if turned(x[:1], turn).shape != x[:1].shape:
            continue
        after = []
        for _, j, _ in some:
            its = _deviation(A(turned(x[j : j + 1], turn)), basis)
            after.append(float(_unexplained(_deviation(y[j], basis), [its])))
        if all(other < min(WELL, CLEARLY * own) for other, (*_, own) in zip(after, some, strict=True)):
            return (
                f"The measurements of the pairs are those of the true pictures {how}: these leave {most:.2g} of them "
                f"unexplained, turned like that {max(after):.2g} (seen on {which}). Turn the pictures, or correct the "
                "operator."
            )
    return ""


def _orthonormal(vectors: list[Tensor]) -> list[Tensor]:
    """By Gram and Schmidt, without those that the others before them make up."""
    basis: list[Tensor] = []
    for one in vectors:
        rest = _without(_without(one, basis), basis)
        length = torch.linalg.vector_norm(rest)
        if length > NOTHING[1] * torch.linalg.vector_norm(one):
            basis.append(rest / length)
    return basis


def _without(one: Tensor, basis: list[Tensor]) -> Tensor:
    for vector in basis:
        one = one - (vector.conj() * one).sum() * vector
    return one


def _deviation(one: Tensor, basis: list[Tensor]) -> Tensor:
    """P of a measurement, flat; zeros where rounding is all that is left."""
    rest = _without(_without(one.flatten(), basis), basis)
    return rest * (torch.linalg.vector_norm(rest) > NOTHING[1] * torch.linalg.vector_norm(one))


def _all(first: Tensor, second: Tensor, both: list[Tensor], basis: list[Tensor]) -> list[float]:
    """What both pictures leave of the first measurement, then of the second."""
    found = [_deviation(one, basis) for one in both]
    return [float(one) for y in (first, second) for one in _unexplained(_deviation(y, basis), found)]


def _unexplained(y: Tensor, found: list[Tensor]) -> Tensor:
    """``min_c ‖y - c A x‖ / ‖y‖`` for each picture, from the angle between them; 1 where either is zero."""
    length = torch.linalg.vector_norm
    cosines = torch.stack([(its.conj() * y).sum().abs() / (length(its) * length(y)) for its in found])
    return (1 - cosines.nan_to_num(0.0).square()).clamp(min=0).sqrt()

"""Whether measured pairs belong together: pictures in another order, or turned, would be learned without a word."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_mlpatch.core.operator import Operator

from ..pictures import turned

SOME, FEW = 8, 2
"""Pairs that are looked at: for their order, and for turned pictures."""
LITTLE = 0.01
"""Of a measurement: where its picture leaves no more unexplained, it is the right one."""
CLEARLY = 0.5
"""By so much another picture has to explain a measurement better than its own one."""
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

    A picture leaves ``min_c ‖y - c A x‖ / ‖y‖`` of a measurement unexplained, whatever its units: noise, and what A
    does not know. Another one that leaves less than half of that is taken for the right one.
    """
    y, x = y[:SOME], x[:SOME]
    found = [A(one) for one in x.split(1)]
    own = [_unexplained(one, its) for one, its in zip(y, found, strict=True)]
    for i, one in enumerate(y):
        left = [_unexplained(one, its) for its in found]
        j = min(range(len(left)), key=left.__getitem__)
        if left[j] < CLEARLY * own[i] and own[i] > LITTLE:
            return (
                f"Measurement {i + 1} of the pairs is one of true picture {j + 1}, not of its own: that leaves "
                f"{own[i]:.2g} of it unexplained, the other one {left[j]:.2g}. Give measurements and true pictures in "
                "the same order."
            )
    y, x, own = y[:FEW], x[:FEW], own[:FEW]
    for k, how in TURNS.items() if x.ndim == 4 and min(own) > LITTLE else ():
        if turned(x, k).shape != x.shape:
            continue
        left = [_unexplained(one, A(turned(its, k))) for one, its in zip(y, x.split(1), strict=True)]
        if all(other < CLEARLY * mine for other, mine in zip(left, own, strict=True)):
            return (
                f"The measurements of the pairs are those of the true pictures {how}: these leave {max(own):.2g} of "
                f"them unexplained, turned like that {max(left):.2g}. Turn the pictures, or correct the operator."
            )
    return ""


def _unexplained(y: Tensor, found: Tensor) -> float:
    """``min_c ‖y - c A x‖ / ‖y‖``, from the angle between them; 1 for a picture of zeros."""
    lengths = torch.linalg.vector_norm(y) * torch.linalg.vector_norm(found)
    if not lengths > 0:
        return 1.0
    cosine = (y.conj() * found).sum().abs() / lengths
    return float((1 - cosine.square()).clamp(min=0).sqrt())

"""The noise of one coil's k-space from what no real picture with a smooth phase explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.core.noise_level import BLOCK
from napari_mlpatch.torch_later import Tensor, torch

from .kspace_doubt import Rings
from .redundancy import EXPLAINED, ROUNDING, rounding, unexplained
from .smooth_phase import SmoothPhase

if TYPE_CHECKING:
    from .mri_cartesian import MRICartesian

DEGREES = (3, 5, 8, 12, 16, 20, 24)
MUCH = 12.0  # of what a picture leaves, which the data must be to say that it explains them: 30 and more where it does
LITTLE, HOPED = 4.0, 8  # ... below which, from this degree on, no higher one is tried: 25 where it will
FREE = 0.4  # of the values that no picture explains, which the phase must leave
SETTLED = 0.95  # of the level at the degree before, above which a higher one explains no more than noise
AGREE = 1.3  # of the level of samples of which much is left, above which that of all says that a picture is left
TWICE = 2  # degrees at which it did not, one after the other


def smooth_phase_level(A: MRICartesian, y: Tensor, mask: np.ndarray) -> float:
    """Standard deviation of the noise of y [B, 1, 1, rows, columns], where it can be relied on; else infinity.

    Opposite samples of a real picture are conjugate; those of ``p exp(i phi)`` are so after a convolution with the
    transform of ``exp(2i phi)``, which is short where phi is smooth (Noll, Nishimura & Macovski, IEEE Trans. Med.
    Imaging 10, 1991). phi is a polynomial (``SmoothPhase``), whose degree rises until the level falls no further. It
    can be relied on where it does not, and what is left is white (``Rings``). The coefficients explain noise as well:
    between none and one value each, the middle of which is taken. Infinity also where (almost) all is explained:
    then y holds no more than is needed for a picture, or its noise has the picture's phase.
    """
    if min(mask.shape) < 2 * BLOCK:
        return math.inf
    floor = EXPLAINED * rounding(y) / ROUNDING
    phases = [SmoothPhase(item, mask) for item in y[:, 0, 0]]
    before, free_before, settled = math.inf, 1.0, 0
    for degree in DEGREES:
        turn = torch.stack([phase.raised(degree) for phase in phases])[:, None]
        rings = Rings(y, mask)
        found, share = unexplained(A, y, turn=turn, seen=rings)
        values, coefficients = 2.0 * share * float(mask.sum()), 0.5 * (degree + 1) * (degree + 2)
        free = 1.0 - coefficients / max(values, 1.0)
        hopeless = degree >= HOPED and rings.explained < LITTLE
        if hopeless or not (floor < found < math.inf and free >= FREE):
            break
        settled = settled + 1 if found >= SETTLED * math.sqrt(min(free / free_before, 1.0)) * before else 0
        if settled >= TWICE and rings.even and rings.explained >= MUCH and found <= AGREE * rings.level:
            return found * free**-0.25
        before, free_before = found, free
    return math.inf

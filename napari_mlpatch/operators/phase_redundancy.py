"""The noise of one coil's k-space from what no real picture with a smooth phase explains."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.noise_level import BLOCK
from napari_mlpatch.torch_later import Tensor, torch

from .kspace_doubt import FEWEST, UNEVEN, Rings
from .redundancy import EXPLAINED, ROUNDING, rounding, unexplained
from .smooth_phase import SmoothPhase

if TYPE_CHECKING:
    from .mri_cartesian import MRICartesian

ENOUGH = 160 * 160  # samples of k-space, beyond which lines of the picture are left out
LARGEST = 256 * 256  # ... beyond which it takes too long
BANDS = 10  # of k-space along each axis
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
    between none and one value each, the middle of which is taken. Infinity also where (almost) all is explained, as
    y holds no more than is needed for a picture, or its noise has the picture's phase; and where a scan in points has
    more than ``LARGEST`` of them. Of large scans in lines every n-th line of the picture tells it (``_thinned``).
    """
    floor = EXPLAINED * rounding(y) / ROUNDING
    most = UNEVEN * _quietest_band(y, mask)
    A, y, mask = _thinned(A, y, mask)
    if min(mask.shape) < 2 * BLOCK or mask.size > LARGEST:
        return math.inf
    phases = [SmoothPhase(item, mask) for item in y[:, 0, 0]]
    before, free_before, settled = math.inf, 1.0, 0
    for tried, degree in enumerate(DEGREES):
        if settled + len(DEGREES) - tried < TWICE:
            break
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
            return found * free**-0.25 if found <= most else math.inf
        before, free_before = found, free
    return math.inf


def _quietest_band(y: Tensor, mask: np.ndarray) -> float:
    """Least root mean square of what was measured in a band of k-space: no noise that is alike everywhere is larger."""
    energy, least = y.abs().double().square().flatten(0, -3).mean(0).cpu().numpy() * mask, math.inf
    for axis in (0, 1):
        bands = np.array_split(np.stack([energy, mask]).sum(2 - axis), BANDS, axis=1)
        for squares, count in (band.sum(1) for band in bands):
            least = min(least, math.sqrt(squares / count)) if count >= FEWEST else least
    return least


def _thinned(A: MRICartesian, y: Tensor, mask: np.ndarray) -> tuple[MRICartesian, Tensor, np.ndarray]:
    """A scan of every n-th line of the picture, where k-space is measured in whole lines along the other axis.

    There it can be transformed back, which leaves white noise white, and lines of the picture left out: the others are
    real up to the same polynomial. As it is where it has few samples, or is measured in points.
    """
    whole = [axis for axis in (0, 1) if (mask == mask.take([0], axis=axis)).all()]
    step = min(math.ceil(mask.size / ENOUGH), mask.shape[whole[0]] // (2 * BLOCK)) if whole else 1
    if step <= 1:
        return A, y, mask
    axis = whole[0]
    every = np.arange(mask.shape[axis] % step // 2, mask.shape[axis], step)
    lines = _along(torch.fft.ifft, y, axis - 2).index_select(axis - 2, torch.from_numpy(every).to(y.device))
    mask = mask.take(every, axis=axis)
    y = _along(torch.fft.fft, lines, axis - 2) * torch.from_numpy(mask).to(y.device)
    return dataclasses.replace(A, image_shape=mask.shape, mask="custom", mask_values=Array(mask)), y, mask


def _along(transform: Callable[..., Tensor], v: Tensor, axis: int) -> Tensor:
    return torch.fft.fftshift(transform(torch.fft.ifftshift(v, dim=axis), dim=axis, norm="ortho"), dim=axis)

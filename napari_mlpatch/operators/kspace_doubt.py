"""Whether the noise level of one coil's k-space can be relied on: noise is white, and what is left of signal is not."""

from __future__ import annotations

import itertools
import math

import numpy as np

from napari_mlpatch.core.noise_level import from_mostly_noise
from napari_mlpatch.torch_later import Tensor, torch

from .kspace_noise import OUTER, in_phase

UPPER_BOUND = (
    "The noise level may be far too high: it is an upper bound, as one coil's data of a picture whose phase varies do "
    "not tell noise from detail. Give the noise level where it is known."
)
NEAR = 1.2  # of the least level, up to which another one says the same
RED = 1.3  # more in the inner half of k-space than in the outer one, above which it is no noise
FALLS = 1.15  # ratio of the levels of two rings of k-space, above which signal reaches the outer one
COARSE = 1.5  # ratio of the levels of differences over two pixels and over one
LEFT = 0.3  # of the noise of a sample, below which too little of it is left to tell
FEWEST = 60  # samples
RINGS = 4
UNEVEN = 1.5  # ratio of the levels of rings, above which they do not hold the same noise


class Residual:
    """What least squares leave of the data and of white noise (see ``redundancy.unexplained``): is it white?

    Called with the two, ``is_white`` says whether no more is left in the inner half of k-space than in the outer one.
    Signal, that a model leaves which is a little wrong, is mostly near the middle.
    """

    def __init__(self, mask: np.ndarray):
        self._mask, self.is_white = mask, False

    def __call__(self, y: Tensor, z: Tensor) -> None:
        radius = torch.from_numpy(_radius(self._mask.shape)).to(y.device)
        used = (z.abs() >= LEFT).flatten(0, -3).all(0) & torch.from_numpy(self._mask).to(y.device)
        if int(used.sum()) < FEWEST:
            return
        middle = radius[used].median()
        halves = used & (radius < middle), used & (radius >= middle)
        inner, outer = (_energy(y, half) / _energy(z, half) for half in halves)
        self.is_white = inner <= RED**2 * outer


class Rings:
    """What least squares leave of the data ``y`` and of white noise (see ``redundancy.unexplained``): is it noise?

    ``level`` is that of the noise by samples of which much is left. ``even`` says that in four rings of k-space alike
    is left, in relation to what is left of white noise. ``explained`` is the ratio of the data's median to that of what
    is left of them, in the innermost ring: a model that does not hold leaves about as much as there was, and of any
    colour.
    """

    def __init__(self, y: Tensor, mask: np.ndarray):
        self._y, self._mask, self.level = y, mask, math.inf
        self.even, self.explained = False, 0.0

    def __call__(self, y: Tensor, z: Tensor) -> None:
        radius = torch.from_numpy(_radius(self._mask.shape)).to(y.device)
        used = (z.abs() >= LEFT).flatten(0, -3).all(0) & torch.from_numpy(self._mask).to(y.device)
        if int(used.sum()) < RINGS * FEWEST:
            return
        ends = torch.quantile(radius[used], torch.linspace(0, 1, RINGS + 1, dtype=radius.dtype, device=y.device))
        rings = [used & (radius >= a) & (radius <= b) for a, b in itertools.pairwise(ends.tolist())]
        levels = [math.sqrt(_energy(y, ring) / _energy(z, ring)) for ring in rings]
        self.level = math.sqrt(_energy(y, used) / _energy(z, used))
        self.even = max(levels) <= UNEVEN * min(levels)
        given, left = (float(v[..., rings[0]].abs().median()) for v in (self._y, y))
        self.explained = given / max(left, math.ulp(0.0))


def reaches_noise(y: Tensor, mask: np.ndarray) -> bool:
    """Whether k-space ends in noise: as much in a ring at half of the way to its ends as beyond ``OUTER``."""
    radius = _radius(mask.shape)
    rings = [mask & (radius > OUTER), mask & (radius > 0.4) & (radius < 0.6)]
    if min(int(ring.sum()) for ring in rings) < FEWEST:
        return False
    outer, inner = (from_mostly_noise(y[..., torch.from_numpy(ring).to(y.device)]) for ring in rings)
    return inner <= FALLS * outer


def is_plain(y: Tensor, mask: np.ndarray) -> bool:
    """Whether ``quadrature_level`` of these data is of white noise: differences over two pixels have the same level."""
    x = in_phase(y, mask).imag
    fine, coarse = (_level(x, step) for step in (1, 2))
    return coarse <= COARSE * fine


def _level(x: Tensor, step: int) -> float:
    for axis in (-2, -1):
        n = x.shape[axis] - 2 * step
        x = x.narrow(axis, 0, n) - 2.0 * x.narrow(axis, step, n) + x.narrow(axis, 2 * step, n)
    return float(x.abs().median())


def _radius(shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = (np.abs(np.arange(n) - n // 2) / max(n // 2, 1) for n in shape)
    return np.hypot(rows[:, None], columns)


def _energy(v: Tensor, part: Tensor) -> float:
    return max(float(v[..., part].abs().double().square().sum()), math.ulp(0.0))

"""Whether the noise level of one coil's k-space can be relied on: noise is white, and what is left of signal is not."""

from __future__ import annotations

import itertools
import math
from types import EllipsisType

import numpy as np

from napari_mlpatch.core.noise_level import from_mostly_noise
from napari_mlpatch.torch_later import Tensor, torch

from .kspace_noise import OUTER, back, in_phase

UPPER_BOUND = (
    "The noise level may be far too high: it is an upper bound, as one coil's data of a picture whose phase varies do "
    "not tell noise from detail. Where it is known, choose the method's weight or sigma by it."
)
NEAR = 1.2  # of the least level, up to which another one says the same
RED = 1.3  # more in the inner half of k-space than in the outer one, above which it is no noise
FALLS = 1.15  # ratio of the levels of two rings of k-space, above which signal reaches the outer one
COARSE = 1.5  # ratio of the levels of differences over two pixels and over one
LEFT = 0.3  # of the noise of a sample, below which too little of it is left to tell
FEWEST = 60  # samples
RINGS = 4
UNEVEN = 1.5  # ratio of the levels of rings, or of parts of a picture, above which they do not hold the same noise
PARTS, SMALLEST = 4, 16  # of a picture along each axis, and pixels of a side of them
MEANINGLESS = 0.9  # of the share of noise that it leaves, above which a model explains nothing of the data
SMALL = 8  # pixels of a side of the parts of which it is seen whether what is left is where the picture is
RELATED = 0.4  # correlation of the levels of both in these parts, above which it is; 0.25 at most for noise, 0.7 if so
STANDS_OUT = 1.8  # ratio of the middle of k-space to its ends, above which they are not all alike
MIDDLE = 0.15  # of the way to the ends of the axes


class Residual:
    """What least squares leave of the data ``y`` and of white noise (see ``redundancy.unexplained``): is it noise?

    ``is_noise`` says that no more is left in the inner half of k-space than in the outer one, as signal, that a model
    leaves which is a little wrong, is mostly near the middle; that as much is left everywhere in the picture, while of
    one of which every pixel has a phase of its own most is where it is bright; and that the model explains more of the
    data than it would of noise.
    """

    def __init__(self, y: Tensor, mask: np.ndarray):
        self._y, self._mask, self.is_noise = y, mask, False

    def __call__(self, y: Tensor, z: Tensor) -> None:
        measured = torch.from_numpy(self._mask).to(y.device)
        radius = torch.from_numpy(_radius(self._mask.shape)).to(y.device)
        used = (z.abs() >= LEFT).flatten(0, -3).all(0) & measured
        if int(used.sum()) < FEWEST:
            return
        middle = radius[used].median()
        halves = used & (radius < middle), used & (radius >= middle)
        inner, outer = (_energy(y, half) / _energy(z, half) for half in halves)
        shares = [_energy(r, measured) / _energy(all_of, measured) for r, all_of in ((y, self._y), (z, white(y)))]
        explains = shares[0] <= MEANINGLESS**2 * shares[1]
        self.is_noise = inner <= RED**2 * outer and explains and is_everywhere(y, z, self._y)


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
    """Whether k-space ends in noise: as much in a ring at half of the way to its ends as beyond ``OUTER``.

    And more in its middle, or all of it may be signal; and everywhere in the picture, as fine detail is not.
    """
    radius = _radius(mask.shape)
    rings = [mask & (radius > OUTER), mask & (radius > 0.4) & (radius < 0.6)]
    middle = mask & (radius < MIDDLE)
    if min(int(ring.sum()) for ring in rings) < FEWEST or not middle.any():
        return False
    outer, inner = (from_mostly_noise(y[..., torch.from_numpy(ring).to(y.device)]) for ring in rings)
    signal = from_mostly_noise(y[..., torch.from_numpy(middle).to(y.device)])
    if not (inner <= FALLS * outer and signal >= STANDS_OUT * outer):
        return False
    ends = torch.from_numpy(mask & (radius > 0.4)).to(y.device)
    return is_everywhere(y * ends, white(y) * ends, y)


def is_everywhere(y: Tensor, z: Tensor, whole: Tensor) -> bool:
    """Whether the picture of k-space y is as strong everywhere, beside that of white noise z treated alike.

    And not stronger where the picture of the ``whole`` data is.
    """
    rows, columns = y.shape[-2:]
    parts = max(min(PARTS, rows // SMALLEST), 1), max(min(PARTS, columns // SMALLEST), 1)
    ratio = (_strength(y, parts) / _strength(z, parts).clamp(min=math.ulp(0.0))).flatten()
    low, high = torch.quantile(ratio, ratio.new_tensor([0.1, 0.9])).tolist()
    parts = max(rows // SMALL, 1), max(columns // SMALL, 1)
    pair = torch.stack([_strength(v, parts).flatten().clamp(min=1e-300).log() for v in (y, whole)])
    related = float(torch.corrcoef(pair)[0, 1]) if pair.shape[1] > 1 else 0.0
    return high <= UNEVEN**2 * low and not related > max(RELATED, 3.0 / math.sqrt(pair.shape[1]))


def _strength(y: Tensor, parts: tuple[int, int]) -> Tensor:
    """Mean square of the picture of k-space y in so many parts along rows and columns."""
    squares = back(y, (-2, -1)).abs().double().square().flatten(0, -3)
    return torch.nn.functional.adaptive_avg_pool2d(squares, parts).mean(0)


def is_plain(y: Tensor, mask: np.ndarray) -> bool:
    """Whether ``quadrature_level`` of these data is of white noise: differences over two pixels have the same level.

    And more of the picture is real than imaginary, or the phase that is taken off is none.
    """
    x = in_phase(y, mask)
    fine, coarse = (_level(x.imag, step) for step in (1, 2))
    is_real = _energy(x.imag, ...) <= MEANINGLESS**2 * _energy(x.real, ...)
    return coarse <= COARSE * fine and is_real


def white(y: Tensor) -> Tensor:
    """The white noise beside y of ``redundancy.unexplained``."""
    return torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype).to(y.device)


def _level(x: Tensor, step: int) -> float:
    for axis in (-2, -1):
        n = x.shape[axis] - 2 * step
        x = x.narrow(axis, 0, n) - 2.0 * x.narrow(axis, step, n) + x.narrow(axis, 2 * step, n)
    return float(x.abs().median())


def _radius(shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = (np.abs(np.arange(n) - n // 2) / max(n // 2, 1) for n in shape)
    return np.hypot(rows[:, None], columns)


def _energy(v: Tensor, part: Tensor | EllipsisType) -> float:
    return max(float(v[..., part].abs().double().square().sum()), math.ulp(0.0))

"""Line integrals of an image along any set of rays, and their exact transpose.

The ray (theta, s) is the line ``x cos(theta) - r sin(theta) = s`` of the parallel beam's convention. Its integral is
read from a parallel sinogram P that is sampled finely enough, by a sparse matrix W of interpolation weights:

    y = W P,    P = F⁻¹ G X

X are samples of the image's transform on lines through the origin (Fourier slice theorem, NUFFT of ``nufft.py``), G
the transforms of pixel and of bin, F⁻¹ an inverse real FFT along each row of P. The parallel angles are a multiple of
half a turn over K, so that P(theta + 180 degrees, s) = P(theta, -s) closes the circle; only rows that some ray needs
are computed. Along s the interpolation is Kaiser-Bessel gridding, whose transform is divided out in G. Along theta it
is the best one in mean square for pictures of an image's usual spectrum (J. L. Yen, IRE Trans. Circuit Theory 3, 1956).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakValueDictionary

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.torch_later import Tensor, torch

from .gridding import Axis, csr, next_fast
from .nufft import Nufft2d

BAND = 1.5  # highest frequency of P, over the Nyquist frequency of pixels and bins
ANGULAR = 1.5  # angles of P, over those that its band needs at the image's corners
TAPS_S, TAPS_THETA = 4, 6
NUFFT_WIDTH = 4

_plans: WeakValueDictionary[tuple, Nufft2d] = WeakValueDictionary()
_plans_lock = threading.Lock()


@dataclass(frozen=True)
class FineGrid:
    """How finely the parallel sinogram is sampled. Lengths in one unit; ``reach`` is the largest |s| of a ray."""

    image_shape: tuple[int, int]
    pixel_size: float
    width: float
    reach: float

    @property
    def radius(self) -> float:
        """Of the circle about the image."""
        return math.hypot(*self.image_shape) / 2.0 * self.pixel_size

    @property
    def step(self) -> float:
        """Between the samples of a row, two for each period of the highest frequency and as many again."""
        return min(self.width, self.pixel_size) / (2.0 * BAND)

    @property
    def period(self) -> int:
        """Samples of a row before it repeats: what leaves it on one side must not come back among the rays."""
        half = math.ceil((max(self.radius, self.reach) + self.reach) / (2.0 * self.step)) + 8 + TAPS_S
        half += -half % 32  # so that rays moved by a few bins keep the plan
        while half % 2 or 2 * half != next_fast(2 * half):
            half += 1
        return 2 * half

    @property
    def samples(self) -> int:
        """Samples of a row that rays read, symmetric about s = 0."""
        return 2 * (math.ceil(self.reach / self.step) + TAPS_S)

    @property
    def half_turn(self) -> int:
        """Angles in half a turn. A point at the radius R moves by R dtheta; pixels have edges that bins can see."""
        detail = min(self.pixel_size, 2.0 * self.width)
        return math.ceil(ANGULAR * (math.pi * self.radius / detail + 8.0))

    @cached_property
    def frequencies(self) -> np.ndarray:
        """Of a row, up to half of what its samples could hold, in radians per unit of length."""
        return np.arange(self.period // 4 + 1) * (2.0 * math.pi / (self.period * self.step))

    @property
    def kernel(self) -> Axis:
        """The gridding along s."""
        return Axis(self.period // 2, self.period, TAPS_S)

    def bytes(self, rays: int, rows: int) -> int:
        """Estimate of the memory of the tables in float32."""
        gridding = rows * len(self.frequencies) * (16 * NUFFT_WIDTH**2 + 28)
        return rays * (16 * TAPS_S * TAPS_THETA + 12) + gridding + 4 * rows * self.samples


class RayTransform:
    """The integrals over one set of rays, on one device and in one precision."""

    def __init__(
        self, grid: FineGrid, theta: np.ndarray, s: np.ndarray, *, device: torch.device | str, dtype: torch.dtype
    ):
        """``theta`` in radians and ``s``, both ``[rays]``."""
        matrix, rows = interpolation(grid, theta, s, np.float32 if dtype == torch.float32 else np.float64)
        self._W, self._WT = csr(matrix, device), csr(matrix.T.tocsr(), device)
        self._set_up(grid, rows, device, dtype)

    def _set_up(self, grid: FineGrid, rows: np.ndarray, device: torch.device | str, dtype: torch.dtype) -> None:
        """What makes the parallel rows at these angles, in steps of the half turn."""
        self.grid = grid
        angles, w = rows[:, None] * (math.pi / grid.half_turn), grid.frequencies
        k = w * grid.pixel_size
        omega = np.stack([-k * np.sin(angles), k * np.cos(angles)], axis=-1)
        gain = np.prod(np.sinc(omega / (2.0 * math.pi)), axis=-1) * np.sinc(w * grid.width / (2.0 * math.pi))
        gain *= grid.pixel_size**2 / grid.step * grid.kernel.correction()[len(w) - 1 :: -1]
        gain[:, -1] = 0.0
        weights = gain * np.exp(-1j * w * ((grid.samples - 1) / 2.0 * grid.step))
        key = (grid.image_shape, grid.pixel_size / grid.step, grid.period, rows.tobytes(), torch.device(device), dtype)
        with _plans_lock:
            nufft = _plans.get(key)
            if nufft is None:
                nufft = Nufft2d(
                    grid.image_shape, omega.reshape(-1, 2), kernel_width=NUFFT_WIDTH, device=device, dtype=dtype
                )
                _plans[key] = nufft
        self._nufft = nufft
        phase = self._nufft.phase
        self._weights = torch.as_tensor(weights, device=device).to(phase.dtype) * phase.view(weights.shape)

    def __call__(self, x: Tensor, row_filter: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """``[B, *image_shape]`` to ``[B, rays]``; ``row_filter`` acts on the parallel rows ``[B, angles, samples]``."""
        spectrum = self._nufft(x).reshape(-1, *self._weights.shape) * self._weights
        rows = torch.fft.irfft(spectrum, n=self.grid.period)[..., : self.grid.samples]
        if row_filter is not None:
            rows = row_filter(rows)
        return self._read(rows)

    def _read(self, rows: Tensor) -> Tensor:
        """W: the rays ``[B, rays]`` from ``[B, angles, samples]``."""
        return torch.stack([self._W @ row for row in rows.flatten(1)])

    def _spread(self, y: Tensor) -> Tensor:
        """Wᵀ."""
        return torch.stack([self._WT @ row for row in y]).reshape(len(y), -1, self.grid.samples)

    def transpose(self, y: Tensor, row_filter: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """``[B, rays]`` to ``[B, *image_shape]``, exactly the transpose where ``row_filter`` is symmetric."""
        rows = self._spread(y)
        if row_filter is not None:
            rows = row_filter(rows)
        # Each frequency but zero stands for itself and its conjugate.
        spectrum = torch.fft.rfft(rows, n=self.grid.period)[..., : self._weights.shape[1]] * (2.0 / self.grid.period)
        spectrum[..., 0] *= 0.5
        return self._nufft.transpose((spectrum * self._weights.conj()).flatten(1))


def interpolation(
    grid: FineGrid, theta: np.ndarray, s: np.ndarray, precision: type = np.float64
) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    """W ``[rays, rows * samples]``, and which angles (in steps of the half turn) are its rows."""
    row, is_behind, row_weight, rows = between_angles(grid, theta, precision)
    sample, sample_weight = between_samples(grid, s, precision)
    weight = row_weight[:, :, None] * sample_weight[:, None, :]
    sample = sample.astype(np.int32)[:, None, :]
    index = np.where(is_behind[:, :, None], grid.samples - 1 - sample, sample)
    index += row[:, :, None] * grid.samples
    start = np.arange(len(theta) + 1) * (TAPS_S * TAPS_THETA)
    shape = (len(theta), len(rows) * grid.samples)
    return scipy.sparse.csr_matrix((weight.ravel(), index.ravel(), start), shape=shape), rows


def between_angles(
    grid: FineGrid, theta: np.ndarray, precision: type
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rows that each ray reads ``[rays, TAPS_THETA]``, whether from behind, their weights; the angles of all rows.

    Rows are numbered among those that some ray needs, angles are in steps of the half turn.
    """
    first, weight = _angular(theta * (grid.half_turn / math.pi))
    row = first[:, None] + np.arange(TAPS_THETA)
    is_behind = row // grid.half_turn % 2 == 1
    row %= grid.half_turn
    is_used = np.zeros(grid.half_turn, bool)
    is_used[row] = True
    number = np.cumsum(is_used, dtype=np.int32) - 1
    return number[row], is_behind, weight.astype(precision), np.flatnonzero(is_used)


def between_samples(grid: FineGrid, s: np.ndarray, precision: type) -> tuple[np.ndarray, np.ndarray]:
    """The samples of a row that each s reads ``[len(s), TAPS_S]``, and their weights."""
    position = s / grid.step + (grid.samples - 1) / 2.0
    first = np.floor(position - TAPS_S / 2.0).astype(np.int64) + 1
    sample = first[:, None] + np.arange(TAPS_S)
    return sample, grid.kernel.kernel(position[:, None] - sample).astype(precision)


def _angular(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First neighbour and weights ``[rays, TAPS_THETA]`` of positions in steps."""
    first = np.floor(position).astype(np.int64)
    table = _angular_table(1024)
    part, node = np.modf((position - first) * 1024)
    node = node.astype(np.int64)
    weights = (1.0 - part)[:, None] * table[node] + part[:, None] * table[node + 1]
    return first - TAPS_THETA // 2 + 1, weights


def _angular_table(nodes: int) -> np.ndarray:
    """Weights ``[nodes + 1, TAPS_THETA]`` for positions from 0 to 1 between the two middle neighbours.

    They minimise the mean square error for a power spectrum that falls like the third power of the frequency, as that
    of images with edges does, up to the band limit: normal equations of its autocorrelation.
    """
    w, quadrature = np.polynomial.legendre.leggauss(64)
    w = (w + 1.0) / 2.0 * (math.pi / ANGULAR)
    power = quadrature / (w**2 + 0.05**2) ** 1.5
    neighbour = np.arange(TAPS_THETA) - (TAPS_THETA // 2 - 1)

    def correlation(distance: np.ndarray) -> np.ndarray:
        return np.cos(distance[..., None] * w) @ power

    between = correlation((neighbour[:, None] - neighbour).astype(float))
    between += 1e-12 * between[0, 0] * np.eye(TAPS_THETA)
    position = np.linspace(0.0, 1.0, nodes + 1)
    return np.linalg.solve(between, correlation(neighbour - position[:, None]).T).T

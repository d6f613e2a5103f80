"""What operators that sample the Fourier transform at arbitrary frequencies share: density, spectrum, pictures.

Frequencies are ``[samples, 2]`` in radians per pixel along (rows, columns), within ±pi.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_mlpatch.core.noise_level import from_mostly_noise
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.torch_later import Tensor, torch

from .complex_nufft import gridding_matrix
from .gridding import axis_of, width
from .redundancy import least, level_of_picture, rounding, unexplained
from .toeplitz import circulant_symbol, hermitian_kernel

OUTER = 0.75  # of the farthest sample, beyond which samples are taken for noise
MOST_PIXELS = 256  # of the sides of a picture of the samples
LIGHTEST = 1e-3  # of the largest weight of a sample in the search for its noise
FEW = 0.25  # of the noise that no complex image explains, below which a real one is tried
WIDTH = 5  # of the kernel that measures density, in steps of a grid this much finer than the image's own
OVERSAMPLING = 2.0


def density_weights(
    omega: NDArray[np.float64], shape: tuple[int, int], *, mirrored: bool = False, iterations: int = 12
) -> NDArray[np.float64]:
    """The share of the plane that each sample stands for, in cells of the image's own frequency grid.

    ``w <- w / (G Gᵀ w)`` with the gridding kernel G, so that the samples, weighted, spread to the same density
    everywhere between them (Pipe & Menon, Magn. Reson. Med. 41, 1999). Repeated samples share theirs, and what lies
    in gaps stays missing. ``mirrored``: each sample also stands for its conjugate at the opposite frequency. Samples
    at all frequencies of the grid have weights of about 1.
    """
    rows, columns = (axis_of(n, WIDTH, OVERSAMPLING) for n in shape)
    G = gridding_matrix(rows, columns, omega, np.float32)
    GT = G.T
    w = np.ones(len(omega), np.float32)
    for _ in range(iterations):
        grid = GT @ w
        if mirrored:
            plane = grid.reshape(columns.grid, rows.grid)
            grid = (plane + np.roll(plane[::-1, ::-1], 1, axis=(0, 1))).ravel()
        w /= G @ grid
    volume = 1.0
    for axis in (rows, columns):
        volume *= axis.kernel(np.arange(-WIDTH, WIDTH, 1e-3)).sum() * 1e-3  # of the kernel, in steps of the fine grid
        volume *= math.sqrt(axis.size / axis.grid)
    return w.astype(np.float64) * volume**2


def samples_picture(size: Tensor, omega: NDArray[np.float64], shape: tuple[int, int], mirrored: bool = False) -> Tensor:
    """Magnitudes ``[B, C, samples]`` where they lie in the plane, ``[B, C, rows, columns]``, zero in the middle.

    Each pixel shows the root mean square of its samples, as ``log(1 + 1000 |k| / max |k|)``.
    """
    rows, columns = (min(n, MOST_PIXELS) for n in shape)
    place = np.concatenate([omega, -omega]) if mirrored else omega
    r, c = (
        (np.rint(place[:, i] * (n / (2.0 * math.pi))).astype(int) + n // 2) % n for i, n in enumerate((rows, columns))
    )
    index = torch.from_numpy(r * columns + c).to(size.device)
    power = size.square()
    power = torch.cat([power, power], -1) if mirrored else power
    grid = power.new_zeros(*power.shape[:2], rows * columns).index_add_(2, index, power)
    hits = torch.bincount(index, minlength=rows * columns).clamp(min=1)
    k = (grid / hits).sqrt()
    largest = k.amax(-1, keepdim=True)
    return torch.log1p(k * (1e3 / torch.where(largest > 0, largest, 1.0))).unflatten(-1, (rows, columns))


def outer_std(y: Tensor, omega: NDArray[np.float64]) -> float:
    """Standard deviation of the noise of ``y[..., samples]``, from the samples farthest from zero.

    As if these held no signal: too high where they do.
    """
    distance = np.hypot(*omega.T)
    cut = min(OUTER * float(distance.max()), float(np.quantile(distance, 0.9)))
    return from_mostly_noise(y[..., torch.from_numpy(distance >= cut).to(y.device)])


class FourierSamples(Operator):
    """Base of the operators whose data are ``(R C)^-½ sum_r x(r) exp(-i k · (r - n // 2))``, but for coils."""

    image_shape: tuple[int, int]
    coil_axes: ClassVar[int] = 0
    """How many axes of the data come before the samples'."""
    mirrored: ClassVar[bool]
    """Whether each sample also stands for its conjugate at the opposite frequency, as with real images."""

    @property
    def omega(self) -> NDArray[np.float64]:
        """The frequencies ``[samples, 2]`` in radians per pixel along (rows, columns)."""
        raise NotImplementedError

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def _scale(self) -> float:
        return 1.0 / math.sqrt(math.prod(self.image_shape))

    def _kernel(self, dtype: torch.dtype) -> NDArray[np.complex128]:
        """AᵀA's convolution kernel (of a single coil), ``[2 rows, 2 columns]`` with offset zero at [0, 0].

        A little more accurate than the NUFFT of a precision.
        """
        taps, weight = width(dtype.to_real()) + 1, np.full(len(self.omega), self._scale**2)
        return self._kept(
            f"kernel {taps}", lambda: hermitian_kernel(self.image_shape, self.omega, weight, kernel_width=taps)
        )

    @cached_property
    def density(self) -> NDArray[np.float64]:
        """The share of the plane that each sample (with its conjugate) stands for; see ``density_weights``."""
        weights = density_weights(self.omega, self.image_shape, mirrored=self.mirrored)
        return 2.0 * weights if self.mirrored else weights

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """Eigenvalues of the nearest circulant matrix to AᵀA (of a single coil), the same for k and -k."""
        return self._table("circulant", device, dtype, lambda: circulant_symbol(self._kernel(dtype).real))

    def estimate_std(self, y: Tensor) -> float:
        """The least of what the outermost samples and the redundancy of the samples say (see ``redundancy.py``).

        Where an image explains all of y, y was computed from one, noise and all: its quick picture tells instead, at
        most, as what it is made of cannot be told from noise.
        """
        weights = self._table("density", y.device, y.dtype, lambda: self.density)
        weights = weights.clamp(min=LIGHTEST * float(weights.max())).view(self.range_shape[self.coil_axes :])
        outer = outer_std(y.flatten(2 + self.coil_axes), self.omega)
        found, share = unexplained(self, y, weights)
        if self.complex_image and share < FEW:
            found = min(found, unexplained(self, y, weights, real=True)[0])
        if found <= rounding(y):
            return least([outer, level_of_picture(self, y)])
        return least([outer, found])

    def memory_bytes(self) -> int:
        return len(self.omega) * (width(torch.float32) ** 2 * 16 + 48) + 86 * math.prod(self.image_shape)

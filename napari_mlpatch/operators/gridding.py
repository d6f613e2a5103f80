"""Grids that transforms at arbitrary frequencies are interpolated on: Kaiser-Bessel kernel and sparse matrix."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor, torch

LARGEST = 2**31 - 1
"""Of the indices in sparse matrices, which are of 32 bits: they take half the memory and time of longer ones."""
LONGEST = 2**28
"""Samples of a transform."""
OVERSAMPLING = 2.1  # one of 2 costs as much, and errs half as much again
WIDTH = {"float32": 7, "float64": 12}


@dataclass(frozen=True)
class Axis:
    """One axis of the image on its oversampled grid."""

    size: int
    grid: int
    kernel_width: int

    @property
    def beta(self) -> float:
        ratio = self.grid / self.size
        return math.pi * math.sqrt((self.kernel_width / ratio * (ratio - 0.5)) ** 2 - 0.8)

    def kernel(self, distance: np.ndarray) -> np.ndarray:
        """Kaiser-Bessel kernel at a distance in grid steps."""
        inside = np.clip(1.0 - (2.0 * distance / self.kernel_width) ** 2, 0.0, None)
        i0 = scipy.special.i0
        return i0(self.beta * np.sqrt(inside)) / i0(self.beta)

    def correction(self) -> np.ndarray:
        """One over the kernel's transform at the pixels."""
        n = np.arange(self.size) - self.size // 2
        root = np.sqrt((self.beta**2 - (math.pi * self.kernel_width * n / self.grid) ** 2).astype(complex))
        return (scipy.special.i0(self.beta) / (self.kernel_width * np.sinc(root * 1j / math.pi))).real

    def neighbours(self, omega: np.ndarray, *, quickly: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Grid indices (unwrapped) and kernel weights ``[frequencies, J]`` around the frequencies.

        ``quickly``: by polynomials that err by 1e-13, which take a fifth of the time of Bessel functions.
        """
        position = omega * (self.grid / (2.0 * math.pi))
        first = np.floor(position - self.kernel_width / 2.0).astype(np.int64) + 1
        index = first[:, None] + np.arange(self.kernel_width)
        if not quickly:
            return index, self.kernel(position[:, None] - index)
        weight = np.empty(index.shape)
        t = 2.0 * (position - first) - (self.kernel_width - 1.0)
        for tap, (highest, *others) in enumerate(self._polynomials):
            sums = np.full(len(omega), highest)
            for coefficient in others:
                sums *= t
                sums += coefficient
            weight[:, tap] = sums
        return index, weight

    @cached_property
    def _polynomials(self) -> list[list[float]]:
        """The kernel at each neighbour, for t from -1 to 1 while a frequency goes from one grid point to the next.

        Coefficients, the highest first.
        """
        chebyshev, degree = np.polynomial.chebyshev, max(self.kernel_width + 6, 14)

        def of(tap: int) -> list[float]:
            series = chebyshev.chebinterpolate(lambda t: self.kernel((t + self.kernel_width - 1.0) / 2.0 - tap), degree)
            return chebyshev.cheb2poly(series)[::-1].tolist()

        return [of(tap) for tap in range(self.kernel_width)]


def axis_of(size: int, kernel_width: int, oversampling: float = OVERSAMPLING) -> Axis:
    """An axis of so many pixels, on a grid of even length for which an FFT is fast."""
    grid = next_fast(max(math.ceil(oversampling * size), 2 * kernel_width + 4))
    while grid % 2:
        grid = next_fast(grid + 1)
    return Axis(size, grid, kernel_width)


def width(dtype: torch.dtype) -> int:
    """Of the gridding kernel in a real precision, so that its error is that of the arithmetic, or little more."""
    return WIDTH["float32" if dtype == torch.float32 else "float64"]


def next_fast(size: int) -> int:
    """The next length at or above ``size`` for which a real FFT is fast. Raises InputError for impossible ones."""
    if size > LONGEST:
        raise InputError(
            f"Lengths that lie so far apart need rows of {float(size):.3g} samples, of which at most {LONGEST:.3g} are "
            "possible. Check pixel size, detector pitch and distances: all are in the same unit."
        )
    return int(scipy.fft.next_fast_len(size, real=True))  # type: ignore[arg-type]


def check_size(samples: int, kernel_width: int, grid: int) -> None:
    """Raises InputError where a gridding matrix has more entries, or its grid more points, than 32 bits can count."""
    entries = samples * kernel_width**2
    if max(entries, grid) > LARGEST:
        raise InputError(
            f"{samples} frequencies on a grid of {grid} points need a sparse matrix of {entries} entries, and "
            f"indices go up to {LARGEST}: take a smaller image, or fewer angles, bins or samples at a time."
        )


def csr(matrix: scipy.sparse.csr_matrix, device: torch.device | str) -> Tensor:
    """The matrix as a tensor with indices of 32 bits. Raises InputError where these cannot count its entries."""
    if max(matrix.nnz, *matrix.shape) > LARGEST:
        raise InputError(
            f"A sparse matrix of {matrix.shape[0]} x {matrix.shape[1]} with {matrix.nnz} entries is too large: indices "
            f"go up to {LARGEST}. Take a smaller image, or fewer angles, bins or samples at a time."
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32, copy=False)),
            torch.from_numpy(matrix.indices.astype(np.int32, copy=False)),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            device=device,
        )

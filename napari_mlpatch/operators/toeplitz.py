"""AᵀA of a NUFFT, which is a convolution: its kernel, its application, and the circulant matrix nearest to it."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .gridding import axis_of, next_fast
from .pieces import groups, pieces


def toeplitz_kernel(shape: tuple[int, int], omega: np.ndarray, weight: np.ndarray, *, kernel_width: int) -> np.ndarray:
    """``t(n) = sum_k weight(k) cos(k · n)`` for all pixel offsets -shape < n < shape, as ``[2 R, 2 C]`` wrapped."""
    return np.real(hermitian_kernel(shape, omega, weight, kernel_width=kernel_width)).copy()


def hermitian_kernel(shape: tuple[int, int], omega: np.ndarray, weight: np.ndarray, *, kernel_width: int) -> np.ndarray:
    """``t(n) = sum_k weight(k) exp(i k · n)`` for real weights, likewise: ``t(-n)`` is the conjugate of ``t(n)``.

    Gridding in float64 by the same kernel, with the frequencies spread instead of gathered. It is computed once, so
    nothing is stored; in parts, so that it takes little more memory than the grid.
    """
    rows, columns = (axis_of(2 * n, kernel_width) for n in shape)
    grid = torch.zeros(rows.grid * columns.grid, dtype=torch.float64)
    step = 1 << 12
    for start in range(0, len(omega), step):
        part = slice(start, start + step)
        row_index, row_weight = rows.neighbours(omega[part, 0])
        column_index, column_weight = columns.neighbours(omega[part, 1])
        index = ((row_index % rows.grid) * columns.grid)[:, :, None] + (column_index % columns.grid)[:, None, :]
        values = weight[part, None, None] * row_weight[:, :, None] * column_weight[:, None, :]
        grid.index_add_(0, torch.from_numpy(index.ravel()), torch.from_numpy(values.ravel()))
    c = shape[1]
    half = torch.empty(rows.grid, c + 1, dtype=torch.complex128)
    for lines, wanted in zip(grid.reshape(rows.grid, columns.grid).split(64), half.split(64), strict=True):
        wanted[:] = torch.fft.rfft(lines)[:, : c + 1]
    del grid
    r = np.fft.ifftshift(np.arange(2 * shape[0]) - shape[0])
    kernel = np.empty((2 * shape[0], 2 * c), np.complex128)
    for q, some in enumerate(half.split(64, 1)):
        values, first = torch.fft.fft(some, dim=0).numpy(), 64 * q
        ahead, behind = min(values.shape[1], c - first), max(1 - first, 0)
        kernel[:, first : first + ahead] = values[r % rows.grid, :ahead].conj()
        # The value at (r, -c) is the conjugate of that at (-r, c).
        kernel[:, 2 * c - first - values.shape[1] + 1 : 2 * c - first - behind + 1] = values[-r % rows.grid, behind:][
            :, ::-1
        ]
    kernel *= np.fft.ifftshift(rows.correction())[:, None]
    kernel *= np.fft.ifftshift(columns.correction())
    return kernel


def toeplitz_symbol(kernel: np.ndarray) -> Tensor:
    """What ``toeplitz_apply`` multiplies by, ``[columns / 2 + 1, rows]`` of the next fast grid that holds the offsets.

    It is the transform of a ``toeplitz_kernel``, real because that is even.
    """
    rows, columns = (next_fast(max(n - 1, 1)) for n in kernel.shape)
    while columns % 2:
        columns = next_fast(columns + 1)
    return torch.fft.rfft2(torch.from_numpy(wrapped(kernel, (rows, columns)))).real.mT.contiguous()


def wrapped(kernel: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """All offsets -R < r < R, -C < c < C of a kernel ``[2 R, 2 C]`` on another grid that holds them."""
    (R, C), found = (n // 2 for n in kernel.shape), np.zeros(shape, kernel.dtype)
    r, c = np.arange(1 - R, R), np.arange(1 - C, C)
    found[np.ix_(r % shape[0], c % shape[1])] = kernel[np.ix_(r, c)]
    return found


def circulant_symbol(kernel: np.ndarray) -> Tensor:
    """Eigenvalues in ``rfft2`` layout of the circulant matrix nearest to a Toeplitz one, at least zero.

    ``kernel`` is real and even, ``[2 R, 2 C]`` with offset zero at [0, 0] (T. Chan, SIAM J. Sci. Stat. Comput. 9).
    """
    for axis in (0, 1):
        size = kernel.shape[axis] // 2
        n = np.arange(size)
        part = (n / size).reshape([-1 if a == axis else 1 for a in (0, 1)])
        kernel = (1.0 - part) * np.take(kernel, n, axis) + part * np.take(kernel, n - size, axis)
    return torch.fft.rfft2(torch.from_numpy(kernel)).real.clamp(min=0)


def toeplitz_apply(x: Tensor, symbol: Tensor) -> Tensor:
    """``sum_m t(n - m) x(m)`` for real images ``[..., R, C]``: padded with zeros, transformed, cut out."""
    if x.device.type != "cpu":
        return _in_few_steps(x, symbol)
    (half, rows), (R, C) = symbol.shape, x.shape[-2:]
    columns, items = 2 * (half - 1), x.reshape(-1, R, C)
    image = torch.empty_like(items)
    for some in groups(items, half * rows):
        there, back = items[some], image[some]
        spectrum = there.new_empty(len(there), half, R, dtype=there.dtype.to_complex())
        for part in pieces(there, R, half):
            spectrum[..., part] = torch.fft.rfft(there[:, part], n=columns).mT
        for part in pieces(there, half, rows):
            lines = torch.fft.fft(spectrum[:, part], n=rows)
            lines *= symbol[part]
            spectrum[:, part] = torch.fft.ifft(lines)[..., :R]
        for part in pieces(there, R, half):
            back[:, part] = torch.fft.irfft(spectrum[..., part].mT.contiguous(), n=columns)[..., :C]
    return image.reshape(x.shape)


def _in_few_steps(x: Tensor, symbol: Tensor) -> Tensor:
    """The same by whole 2-D transforms: on a GPU starting an operation costs more than the zeros that it visits."""
    (half, rows), (R, C) = symbol.shape, x.shape[-2:]
    size = (rows, 2 * (half - 1))
    return torch.fft.irfft2(torch.fft.rfft2(x, s=size) * symbol.mT, s=size)[..., :R, :C].contiguous()

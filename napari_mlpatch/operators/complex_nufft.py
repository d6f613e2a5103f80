"""Fourier transform of a complex image at arbitrary frequencies, and its exact adjoint, by Kaiser-Bessel gridding.

    F(k) = sum_r x[r] exp(-i k · (r - shape // 2)),   k in radians per pixel

The same method as ``nufft.py``, which is for real images and half as dear: the image over the kernel's transform, one
complex FFT on a grid 2.1 times as fine, a sparse matrix with J x J real weights for each frequency. Real and imaginary
parts of all images are the columns of one real product. Spectra are stored ``[columns, rows]``.
"""

from __future__ import annotations

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.torch_later import Tensor, torch

from .gridding import Axis, axis_of, check_size, csr, width
from .long_rows import InParts
from .pieces import pieces
from .toeplitz import wrapped


def gridding_matrix(rows: Axis, columns: Axis, omega: np.ndarray, precision: type) -> scipy.sparse.csr_matrix:
    """The weights that interpolate at the frequencies, ``[frequencies, columns.grid * rows.grid]``."""
    check_size(len(omega), rows.kernel_width, columns.grid * rows.grid)
    row_index, row_weight = rows.neighbours(omega[:, 0])
    column_index, column_weight = columns.neighbours(omega[:, 1])
    line = ((column_index % columns.grid) * rows.grid).astype(np.int32)
    index = line[:, :, None] + (row_index % rows.grid).astype(np.int32)[:, None, :]
    weight = column_weight.astype(precision)[:, :, None] * row_weight.astype(precision)[:, None, :]
    start = np.arange(len(omega) + 1, dtype=np.int64) * row_index.shape[1] * column_index.shape[1]
    size = (len(omega), columns.grid * rows.grid)
    return scipy.sparse.csr_matrix((weight.ravel(), index.ravel(), start), shape=size)


class ComplexNufft2d:
    """The transform of images of one shape at one set of frequencies, on one device and in one precision."""

    def __init__(
        self,
        shape: tuple[int, int],
        omega: np.ndarray,
        *,
        kernel_width: int | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ):
        """``omega``: ``[frequencies, 2]`` in radians per pixel along (rows, columns). ``dtype`` is real."""
        dtype = dtype or torch.float32
        kernel_width = kernel_width or width(dtype)
        self.shape, self.count = shape, len(omega)
        self.rows, self.columns = (axis_of(n, kernel_width) for n in shape)
        precision = np.float32 if dtype == torch.float32 else np.float64
        matrix = gridding_matrix(self.rows, self.columns, np.asarray(omega, np.float64), precision)
        self._matrix = csr(matrix, device)
        self._transpose = InParts(matrix.T.tocsr(), lambda part: csr(part, device))
        correction = self.rows.correction()[:, None] * self.columns.correction()
        self._correction = torch.as_tensor(correction, device=device).to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        """``[B, *shape]`` to ``[B, frequencies]``, both complex."""
        (R, C), r, c, n = self.shape, self.shape[0] // 2, self.shape[1] // 2, self.columns.grid
        x = x * self._correction
        lines = x.new_zeros(len(x), R, n)
        lines[..., : C - c] = x[..., c:]
        lines[..., n - c :] = x[..., :c]
        lines = torch.fft.fft(lines).mT
        spectrum = x.new_zeros(len(x), n, self.rows.grid)
        spectrum[..., : R - r] = lines[..., r:]
        spectrum[..., self.rows.grid - r :] = lines[..., :r]
        spectrum = torch.fft.fft(spectrum).reshape(len(x), -1)
        samples = self._matrix @ torch.view_as_real(spectrum.mT.contiguous()).flatten(1)
        return torch.view_as_complex(samples.view(self.count, len(x), 2)).mT

    def adjoint(self, f: Tensor) -> Tensor:
        """``[B, frequencies]`` to ``[B, *shape]``, both complex."""
        (R, C), r, c, n = self.shape, self.shape[0] // 2, self.shape[1] // 2, self.columns.grid
        grid = self._transpose @ torch.view_as_real(f.mT.contiguous()).flatten(1)
        spectrum = torch.view_as_complex(grid.view(-1, len(f), 2)).mT.reshape(len(f), n, self.rows.grid)
        lines = torch.fft.ifft(spectrum, norm="forward")
        lines = torch.cat([lines[..., self.rows.grid - r :], lines[..., : R - r]], dim=-1).mT.contiguous()
        x = torch.fft.ifft(lines, norm="forward")
        return torch.cat([x[..., n - c :], x[..., : C - c]], dim=-1) * self._correction


def hermitian_symbol(kernel: np.ndarray) -> Tensor:
    """What ``hermitian_apply`` multiplies by: the transform of a ``hermitian_kernel``, real, ``[columns, rows]``.

    Its grid is the next fast one that holds the offsets that occur.
    """
    rows, columns = (int(scipy.fft.next_fast_len(max(n - 1, 1))) for n in kernel.shape)  # type: ignore[arg-type]
    return torch.fft.fft2(torch.from_numpy(wrapped(kernel, (rows, columns)))).real.mT.contiguous()


def hermitian_apply(x: Tensor, symbol: Tensor) -> Tensor:
    """``sum_m t(n - m) x(m)`` for complex images ``[B, R, C]``: padded, transformed, cut out."""
    R, C = x.shape[-2:]
    columns, rows = symbol.shape
    lines = torch.fft.fft(x, n=columns)
    for part in pieces(x, columns, rows):
        spectrum = torch.fft.fft(lines[..., part].mT.contiguous(), n=rows)
        spectrum *= symbol[part]
        lines[..., part] = torch.fft.ifft(spectrum)[..., :R].mT
    return torch.fft.ifft(lines)[..., :C]

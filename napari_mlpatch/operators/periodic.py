"""Periodic convolution of images with a real kernel."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch


def transfer(kernel: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Eigenvalues of the convolution with ``kernel`` in ``rfft2`` layout, complex ``[rows, columns // 2 + 1]``.

    Pixel ``n // 2`` of the kernel along each axis is its centre. What reaches over the image's edge comes in again at
    the other side.
    """
    folded = np.zeros(shape)
    row, column = ((np.arange(n) - n // 2) % size for n, size in zip(kernel.shape, shape, strict=True))
    np.add.at(folded, (row[:, None], column[None, :]), kernel)
    return np.fft.rfft2(folded)


def filtered(x: Tensor, symbol: Tensor) -> Tensor:
    """``F⁻¹(symbol · F(x))`` for images ``[..., rows, columns]``, of complex ones in both parts."""
    if x.is_complex():
        return torch.complex(filtered(x.real, symbol), filtered(x.imag, symbol))
    return torch.fft.irfft2(torch.fft.rfft2(x) * symbol, s=x.shape[-2:])

"""Division of an image's spectrum: how circulant preconditioners and periodic operators are inverted."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch


def divide_spectrum(x: Tensor, symbol: Tensor | float) -> Tensor:
    """``F⁻¹(F(x) / symbol)`` for images ``[..., R, C]``, real or complex.

    ``symbol`` is a number, or real eigenvalues ``[R, C // 2 + 1]`` in ``rfft2`` layout: those of a real, symmetric,
    periodic convolution, which acts on real and imaginary part alike.
    """
    if not torch.is_tensor(symbol) or symbol.ndim == 0:
        return x / symbol
    if x.is_complex():
        return torch.complex(divide_spectrum(x.real, symbol), divide_spectrum(x.imag, symbol))
    return torch.fft.irfft2(torch.fft.rfft2(x) / symbol, s=x.shape[-2:])

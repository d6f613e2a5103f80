"""Division of an image's spectrum: how circulant preconditioners and periodic operators are inverted."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch


def divide_spectrum(x: Tensor, symbol: Tensor | float, axes: int = 2) -> Tensor:
    """``F⁻¹(F(x) / symbol)`` for images ``[..., *space]`` of so many ``axes``, real or complex.

    ``symbol`` is a number, or real eigenvalues in ``rfftn`` layout (``[R, C // 2 + 1]`` for two axes) that broadcast
    with those of x: those of a real, symmetric, periodic convolution, which acts on real and imaginary part alike.
    """
    if not torch.is_tensor(symbol) or all(n == 1 for n in symbol.shape[-axes:]):
        return x / symbol
    if x.is_complex():
        return torch.complex(divide_spectrum(x.real, symbol, axes), divide_spectrum(x.imag, symbol, axes))
    dim = tuple(range(-axes, 0))
    return torch.fft.irfftn(torch.fft.rfftn(x, dim=dim) / symbol, s=x.shape[-axes:], dim=dim)


def without_zeros(symbol: Tensor | float, axes: int = 2) -> Tensor | float:
    """``symbol`` to divide by: its largest value where it is zero but for rounding.

    So it is for what neither data nor penalties see, such as the mean of a mass map.
    """
    if not torch.is_tensor(symbol) or symbol.ndim < axes:
        return symbol
    largest = symbol.amax(tuple(range(-axes, 0)), keepdim=True)
    return torch.where(symbol > 1e-6 * largest, symbol, largest)

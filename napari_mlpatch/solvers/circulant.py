"""Division of an image's spectrum: how circulant preconditioners and periodic operators are inverted."""

from __future__ import annotations

from collections.abc import Callable

from napari_mlpatch.torch_later import Tensor, torch


def divide_spectrum(x: Tensor, symbol: Tensor | float, axes: int = 2) -> Tensor:
    """``F⁻¹(F(x) / symbol)`` for images ``[..., *space]`` of so many ``axes``, real or complex.

    ``symbol`` is a number, or real eigenvalues in ``rfftn`` layout (``[R, C // 2 + 1]`` for two axes) that broadcast
    with those of x: those of a real, symmetric, periodic convolution, which acts on real and imaginary part alike.
    """
    return dividing(symbol, x, axes)(x)


def dividing(symbol: Tensor | float, like: Tensor, axes: int = 2) -> Callable[[Tensor], Tensor]:
    """``divide_spectrum`` by one symbol again and again, for images of the shape and type of ``like``."""
    if not torch.is_tensor(symbol) or all(n == 1 for n in symbol.shape[-axes:]):
        return lambda x: x / symbol
    dim, size = tuple(range(-axes, 0)), like.shape[-axes:]
    # Complex, as real numbers times complex ones take a copy.
    if like.is_complex():
        factor = whole_spectrum(1.0 / symbol, size[-1], axes).to(like.dtype)
        return lambda x: torch.fft.ifftn(torch.fft.fftn(x, dim=dim).mul_(factor), dim=dim)
    factor = (1.0 / symbol).to(like.dtype.to_complex())
    return lambda x: torch.fft.irfftn(torch.fft.rfftn(x, dim=dim).mul_(factor), s=size, dim=dim)


def whole_spectrum(symbol: Tensor, columns: int, axes: int = 2) -> Tensor:
    """Eigenvalues in ``fftn`` layout, the last axis of ``columns``, from those in ``rfftn`` layout: they are even."""
    if symbol.shape[-1] == 1:
        return symbol
    mirrored = symbol[..., 1 : (columns + 1) // 2].flip(-1)
    for axis in range(-axes, -1):
        mirrored = torch.roll(mirrored.flip(axis), 1, axis)
    return torch.cat([symbol, mirrored], -1)


def without_zeros(symbol: Tensor | float, axes: int = 2) -> Tensor | float:
    """``symbol`` to divide by: its largest value where it is zero but for rounding.

    So it is for what neither data nor penalties see, such as the mean of a mass map.
    """
    if not torch.is_tensor(symbol) or symbol.ndim < axes:
        return symbol
    largest = symbol.amax(tuple(range(-axes, 0)), keepdim=True)
    return torch.where(symbol > 1e-6 * largest, symbol, largest)

"""The discrete image gradient, its transpose, and the norms that total variation is made of."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch

from .items import each


def gradient(x: Tensor, axes: int = 2) -> Tensor:
    """Forward differences along the last ``axes`` axes, zero at the far edge, of images ``[B, C, *space]``.

    They are ``[axes, B, C, *space]``, those of rows and of columns for the default of two.
    """
    g = x.new_zeros(axes, *x.shape)
    for i, axis in enumerate(range(-axes, 0)):
        n = x.shape[axis] - 1
        torch.sub(x.narrow(axis, 1, n), x.narrow(axis, 0, n), out=g[i].narrow(axis, 0, n))
    return g


def gradient_transpose(g: Tensor) -> Tensor:
    """The exact transpose of ``gradient`` (minus a divergence)."""
    x = torch.zeros_like(g[0])
    for part, axis in zip(g, range(-len(g), 0), strict=True):
        n = x.shape[axis] - 1
        steps = part.narrow(axis, 0, n)
        x.narrow(axis, 0, n).sub_(steps)
        x.narrow(axis, 1, n).add_(steps)
    return x


def laplacian_symbol(like: Tensor, axes: int = 2) -> Tensor:
    """Eigenvalues of the periodic ``gradient_transpose(gradient(x, axes))`` in ``rfftn`` layout."""
    kwargs = {"device": like.device, "dtype": like.dtype.to_real()}
    symbol = torch.zeros((), **kwargs)
    for axis in range(-axes, 0):
        frequencies = (torch.fft.rfftfreq if axis == -1 else torch.fft.fftfreq)(like.shape[axis], **kwargs)
        symbol = symbol[..., None] + 4.0 * torch.sin(torch.pi * frequencies) ** 2
    return symbol


def total_variation(x: Tensor, isotropic: bool = True, axes: int = 2) -> float:
    """``sum |gradient|_2`` (isotropic) or ``sum |gradient|_1`` (anisotropic), over all images of the batch."""
    return float(gradient_norm(gradient(x, axes), isotropic).double().sum())


def gradient_norm(g: Tensor, isotropic: bool) -> Tensor:
    """Length of the gradient at each pixel, ``[axes, ...] -> [...]``."""
    if not isotropic:
        return g.abs().sum(0)
    length = g[0].abs()
    for part in g[1:]:
        length = torch.hypot(length, part.abs())
    return length


def shrink(g: Tensor, threshold: float | Tensor, isotropic: bool) -> Tensor:
    """Proximal map of ``threshold`` times the total variation norm of a gradient field: soft thresholding.

    ``threshold`` is a number, or ``[B]`` for the items of ``g [axes, B, C, *space]``.
    """
    threshold = each(threshold, g[0])
    if isotropic:
        least = threshold.clamp(min=torch.finfo(threshold.dtype).tiny)
        return g * (1.0 - threshold / gradient_norm(g, isotropic).clamp(min=least))
    return g.sgn() * (g.abs() - threshold).clamp(min=0)

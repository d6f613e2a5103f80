"""The discrete image gradient, its transpose, and the norms that total variation is made of."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch


def gradient(x: Tensor) -> Tensor:
    """Forward differences along rows and columns, zero at the far edge: ``[B, C, H, W] -> [2, B, C, H, W]``."""
    g = x.new_zeros(2, *x.shape)
    torch.sub(x[..., 1:, :], x[..., :-1, :], out=g[0, ..., :-1, :])
    torch.sub(x[..., 1:], x[..., :-1], out=g[1, ..., :-1])
    return g


def gradient_transpose(g: Tensor) -> Tensor:
    """The exact transpose of ``gradient`` (minus a divergence)."""
    x = torch.zeros_like(g[0])
    rows, columns = g[0, ..., :-1, :], g[1, ..., :-1]
    x[..., :-1, :] -= rows
    x[..., 1:, :] += rows
    x[..., :-1] -= columns
    x[..., 1:] += columns
    return x


def laplacian_symbol(like: Tensor) -> Tensor:
    """Eigenvalues of the periodic ``gradient_transpose(gradient(x))`` in ``rfft2`` layout."""
    rows, columns = like.shape[-2:]
    kwargs = {"device": like.device, "dtype": like.dtype.to_real()}
    r = 4.0 * torch.sin(torch.pi * torch.fft.fftfreq(rows, **kwargs)) ** 2
    c = 4.0 * torch.sin(torch.pi * torch.fft.rfftfreq(columns, **kwargs)) ** 2
    return r[:, None] + c


def total_variation(x: Tensor, isotropic: bool = True) -> float:
    """``sum |gradient|_2`` (isotropic) or ``sum |gradient|_1`` (anisotropic), over all images of the batch."""
    return float(gradient_norm(gradient(x), isotropic).double().sum())


def gradient_norm(g: Tensor, isotropic: bool) -> Tensor:
    """Length of the gradient at each pixel, ``[2, ...] -> [...]``."""
    return torch.hypot(g[0].abs(), g[1].abs()) if isotropic else g.abs().sum(0)


def shrink(g: Tensor, threshold: float, isotropic: bool) -> Tensor:
    """Proximal map of ``threshold`` times the total variation norm of a gradient field: soft thresholding."""
    if isotropic:
        least = max(threshold, torch.finfo(g.dtype).tiny)
        return g * (1.0 - threshold / gradient_norm(g, isotropic).clamp(min=least))
    return g.sgn() * (g.abs() - threshold).clamp(min=0)

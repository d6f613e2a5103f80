"""A denoiser in other poses: mirrored, turned and shifted."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch

from .base import Denoise


def transformed(denoise: Denoise, x: Tensor, sigma: float | Tensor, turn: int) -> Tensor:
    """The denoiser in another pose: x is mirrored, turned by right angles and shifted, and the result turned back.

    A different ``turn`` in every iteration averages out what the denoiser does to one orientation only (Terris et al.,
    Equivariant plug-and-play image reconstruction, CVPR 2024).
    """
    quarter, mirror = turn % 4, turn // 4 % 2
    shift = (turn * 7 % 16, turn * 13 % 16)
    moved = torch.roll(x.flip(-1) if mirror else x, shift, (-2, -1))
    turned = denoise(torch.rot90(moved, quarter, (-2, -1)).contiguous(), sigma)
    back = torch.roll(torch.rot90(turned, -quarter, (-2, -1)), (-shift[0], -shift[1]), (-2, -1))
    return back.flip(-1) if mirror else back

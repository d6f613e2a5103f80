"""The standard deviation of noise, estimated from a measurement."""

from __future__ import annotations

import math

from napari_mlpatch.torch_later import Tensor, torch

from .phase import real_and_imaginary

MAD_TO_STD = 1.4826
BLOCK = 16  # pixels of a side of the blocks of which the quieter ones count
ENOUGH = 9  # blocks
UNEVEN = 1.25
"""Ratio of the levels below which a quarter and a twentieth of the blocks lie, above which detail is in most of them;
1.09 for white noise alone."""
UNCERTAIN = (
    "The noise level is uncertain: what counts as noise is not alike everywhere. Where detail fills the picture it is "
    "too high; where noise grows with the signal, as that of counts does, it is that of the weaker parts. Where it is "
    "known, choose the method's weight or sigma by it."
)
QUARTILE_OF_NOISE = 0.945
"""Lower quartile over blocks of the level that each has by its median, where there is nothing but white noise of 1."""


def from_smooth(y: Tensor) -> float:
    """Standard deviation of white noise in a smooth measurement, robustly, from second differences along the last axis.

    ``1.4826 · median |y[j-1] - 2 y[j] + y[j+1]| / sqrt(6)`` (the median absolute deviation; Donoho & Johnstone 1994).
    Of complex data: the root of the summed variances of real and imaginary part.
    """
    if y.is_complex():
        return math.hypot(*map(from_smooth, real_and_imaginary(y)))
    if y.shape[-1] < 3:
        return 0.0
    second = y[..., 2:] - 2.0 * y[..., 1:-1] + y[..., :-2]
    return MAD_TO_STD * float(second.abs().median()) / math.sqrt(6.0)


def from_image(y: Tensor) -> float:
    """Standard deviation of white noise in a picture, robustly, from second differences along both last axes at once.

    ``1.4826 · median |D y| / 6`` with D = [1, -2, 1]ᵀ [1, -2, 1], which leaves out edges along rows and along columns
    (Immerkaer, Computer Vision and Image Understanding 64, 1996). The median is over blocks of 16 x 16, of which the
    lower quartile counts, relative to that of white noise: fine detail may fill most of a picture. Blocks without any
    noise (clipped, padded) are left out. Of complex pictures: as ``from_smooth``.
    """
    if y.is_complex():
        return math.hypot(*map(from_image, real_and_imaginary(y)))
    if y.shape[-2] < 3 or y.shape[-1] < 3:
        return from_smooth(y if y.shape[-1] >= 3 else y.mT)
    return MAD_TO_STD * quiet_median(_mixed(y)) / 6.0


def _mixed(y: Tensor) -> Tensor:
    """Magnitudes of second differences along both last axes at once."""
    rows = y[..., 2:, :] - 2.0 * y[..., 1:-1, :] + y[..., :-2, :]
    return (rows[..., 2:] - 2.0 * rows[..., 1:-1] + rows[..., :-2]).abs()


def quiet_median(size: Tensor, known: Tensor | None = None) -> float:
    """The median of magnitudes ``[..., rows, columns]`` in quiet parts of a picture: the lower quartile over blocks.

    Relative to that of white noise, so that it is the plain median there; the plain median too where a picture has
    fewer than 9 blocks. ``known`` ``[rows, columns]`` says which values count; blocks with less than a quarter of
    them do not, nor do those whose median is zero.
    """
    medians = _block_medians(size, known)
    if medians.numel() < ENOUGH:
        values = size if known is None else size[known.expand(size.shape)]
        return float(values.median()) if values.numel() else 0.0
    return float(torch.quantile(medians, 0.25)) / QUARTILE_OF_NOISE


def _block_medians(size: Tensor, known: Tensor | None) -> Tensor:
    """Of blocks that count; none where there are fewer than 9."""
    rows, columns = (n // BLOCK for n in size.shape[-2:])
    if rows * columns < ENOUGH:
        return size.new_zeros(0)
    values = size if known is None else torch.where(known, size, math.nan)
    tiles = values.unfold(-2, BLOCK, BLOCK).unfold(-2, BLOCK, BLOCK).flatten(-2)
    medians = tiles.nanmedian(-1).values[(~tiles.isnan()).sum(-1) >= BLOCK**2 // 4]
    return medians[medians > 0]


def is_filled(size: Tensor, known: Tensor | None = None) -> bool:
    """Whether detail fills a picture, so that ``quiet_median`` of these magnitudes is above that of the noise.

    Then even its quiet blocks differ, while those that hold noise alone are alike. Said of pictures too small to have
    quiet blocks as well.
    """
    medians = _block_medians(size, known)
    if medians.numel() < ENOUGH:
        return bool(size.any())
    few, quarter = torch.quantile(medians, medians.new_tensor([0.05, 0.25])).tolist()
    return quarter > UNEVEN * few


def from_mostly_noise(y: Tensor) -> float:
    """Standard deviation of white noise in values of which most hold no signal: ``1.4826 · median |y|``.

    Of complex values: ``median |y| / sqrt(ln 2)``, the median of a Rayleigh distribution.
    """
    if y.numel() == 0:
        return 0.0
    middle = float(torch.median(y.abs()))
    return middle / math.sqrt(math.log(2.0)) if y.is_complex() else MAD_TO_STD * middle

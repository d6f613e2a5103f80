"""The noise of Cartesian k-space from places of the image that hold nothing, or little."""

from __future__ import annotations

import math

import numpy as np

from napari_mlpatch.core.noise_level import from_mostly_noise
from napari_mlpatch.torch_later import Tensor, torch

OUTER = 0.8  # of the way to the ends of the axes, beyond which samples are taken for noise
BLOCK = 16  # pixels of a side of a block
LONGEST = 32  # pixels of a stretch of a line
ENOUGH = 256  # samples of which a level is taken


def outer_level(y: Tensor, mask: np.ndarray) -> float:
    """From what was measured in the outer part of k-space, as if it held no signal: too high where it does."""
    distance = [np.abs(np.arange(n) - n // 2) / max(n // 2, 1) for n in mask.shape]
    outer = np.hypot(distance[0][:, None], distance[1])
    radius = outer[mask]
    cut = OUTER if (radius > OUTER).sum() >= 32 else np.quantile(radius, 0.75)
    return from_mostly_noise(y[..., torch.from_numpy(mask & (outer >= cut)).to(y.device)])


def quietest_level(y: Tensor, mask: np.ndarray) -> float:
    """From the quietest part of the picture along the axes on which k-space ``[..., rows, columns]`` is full.

    There the samples can be transformed back, which leaves white noise white: to the coils' images where all of
    k-space is measured, to ``h(r, k)`` where whole lines of it are, of which the outer half is used. Second differences
    along r take off what is smooth, and of all blocks the one of the smallest median counts, relative to that of white
    noise of level one. Too high where no part is quiet; infinity where no line is measured as a whole, or the
    picture is too small.
    """
    full = [axis for axis in (0, 1) if (mask == mask.take([0], axis=axis)).all()]
    if not full or min(mask.shape[axis] for axis in full) < 2 * BLOCK:
        return math.inf
    one = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype).to(y.device)
    levels = _of_images if len(full) == 2 else lambda v: _of_lines(v, mask, full[0])
    return float(levels(y).min() / levels(one * torch.from_numpy(mask).to(y.device)).min())


def _of_images(y: Tensor) -> Tensor:
    """The level of each block of the images, of which y is the k-space (from second differences along both axes)."""
    d = _back(y, (-2, -1)).diff(n=2, dim=-1).diff(n=2, dim=-2) / 6.0
    tiles = d.flatten(0, -3).unfold(-2, BLOCK, BLOCK).unfold(-2, BLOCK, BLOCK)
    return _median_level(tiles.permute(1, 2, 0, 3, 4).flatten(2).flatten(0, 1))


def _of_lines(y: Tensor, mask: np.ndarray, axis: int) -> Tensor:
    """The level of each stretch of the outer lines' transforms back along ``axis``."""
    kept = np.flatnonzero(mask.take(0, axis=axis))
    outer = kept[np.argsort(-np.abs(kept - mask.shape[1 - axis] // 2), kind="stable")][: max(len(kept) // 2, 1)]
    lines = (y.mT if axis == 0 else y)[..., torch.from_numpy(outer).to(y.device), :]
    d = _back(lines, (-1,)).diff(n=2, dim=-1).flatten(0, -2) / math.sqrt(6.0)
    width = min(max(ENOUGH // len(d), BLOCK // 2), LONGEST)
    return _median_level(d.unfold(-1, width, width).transpose(0, 1).flatten(1))


def _back(y: Tensor, axes: tuple[int, ...]) -> Tensor:
    shifted = torch.fft.ifftshift(y, dim=axes)
    return torch.fft.fftshift(torch.fft.ifftn(shifted, dim=axes, norm="ortho"), dim=axes)


def _median_level(values: Tensor) -> Tensor:
    """Of complex values ``[blocks, values]``, from the median of a Rayleigh distribution."""
    return values.abs().double().median(-1).values / math.sqrt(math.log(2.0))

"""The noise of Cartesian k-space from places of the image that hold nothing, or little."""

from __future__ import annotations

import math

import numpy as np

from napari_mlpatch.core.noise_level import from_mostly_noise
from napari_mlpatch.torch_later import Tensor, torch

from .redundancy import rounding

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


def quietest_level(y: Tensor, mask: np.ndarray, *, real: bool = False) -> float:
    """From the quietest part of the picture along the axes on which k-space ``[..., rows, columns]`` is full.

    There the samples can be transformed back, which leaves white noise white: to the coils' images where all of
    k-space is measured, to ``h(r, k)`` where whole lines of it are, of which the outer half is used. Second differences
    along r take off what is smooth, and of all blocks the one of the smallest median counts, relative to that of white
    noise of level one. Too high where no part is quiet; infinity where no line is measured as a whole, or the
    picture is too small. What is zero but for rounding (masked) does not count, nor do blocks without noise (clipped),
    unless they are most: 0 then. ``real`` says that the picture is real times a constant phase, its noise as well.
    """
    full = [axis for axis in (0, 1) if (mask == mask.take([0], axis=axis)).all()]
    if not full or min(mask.shape[axis] for axis in full) < 2 * BLOCK:
        return math.inf
    kind = y.dtype.to_real() if real else y.dtype
    one = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=kind).to(y.device)
    one = _to_kspace(one) if real else one
    levels = _of_images if len(full) == 2 else lambda v, floor: _of_lines(v, mask, full[0], floor)
    floor = rounding(y)
    found = levels(y, floor)
    found = found[~found.isnan()]
    if len(found) == 0:
        return math.inf
    noisy = found[found > floor]
    if 2 * len(noisy) < len(found):
        return 0.0
    alone = levels(one * torch.from_numpy(mask).to(y.device), 0.0)
    return float(noisy.min() / alone.min())


def _of_images(y: Tensor, floor: float) -> Tensor:
    """The level of each block of the images, of which y is the k-space (from second differences along both axes)."""
    x = _back(y, (-2, -1))
    d = x.diff(n=2, dim=-1).diff(n=2, dim=-2) / 6.0
    known = _throughout(_throughout(x.abs() > floor).mT).mT if floor > 0 else None
    tiles = _only(d, known).flatten(0, -3).unfold(-2, BLOCK, BLOCK).unfold(-2, BLOCK, BLOCK)
    return _median_level(tiles.permute(1, 2, 0, 3, 4).flatten(2).flatten(0, 1))


def _of_lines(y: Tensor, mask: np.ndarray, axis: int, floor: float) -> Tensor:
    """The level of each stretch of the outer lines' transforms back along ``axis``."""
    kept = np.flatnonzero(mask.take(0, axis=axis))
    outer = kept[np.argsort(-np.abs(kept - mask.shape[1 - axis] // 2), kind="stable")][: max(len(kept) // 2, 1)]
    lines = (y.mT if axis == 0 else y)[..., torch.from_numpy(outer).to(y.device), :]
    h = _back(lines, (-1,))
    d = h.diff(n=2, dim=-1) / math.sqrt(6.0)
    d = _only(d, _throughout(h.abs() > floor) if floor > 0 else None).flatten(0, -2)
    width = min(max(ENOUGH // len(d), BLOCK // 2), LONGEST)
    return _median_level(d.unfold(-1, width, width).transpose(0, 1).flatten(1))


def _throughout(known: Tensor) -> Tensor:
    """Whether the three values of a second difference along the last axis are all known."""
    return known[..., 2:] & known[..., 1:-1] & known[..., :-2]


def _only(d: Tensor, known: Tensor | None) -> Tensor:
    """The magnitudes of d, NaN where not known."""
    return d.abs() if known is None else torch.where(known, d.abs(), math.nan)


def _to_kspace(x: Tensor) -> Tensor:
    shifted = torch.fft.ifftshift(x, dim=(-2, -1))
    return torch.fft.fftshift(torch.fft.fft2(shifted, norm="ortho"), dim=(-2, -1))


def _back(y: Tensor, axes: tuple[int, ...]) -> Tensor:
    shifted = torch.fft.ifftshift(y, dim=axes)
    return torch.fft.fftshift(torch.fft.ifftn(shifted, dim=axes, norm="ortho"), dim=axes)


def _median_level(values: Tensor) -> Tensor:
    """Of magnitudes ``[blocks, values]``, from the median of a Rayleigh distribution; NaN of a block half unknown."""
    middle = values.double().nanmedian(-1).values / math.sqrt(math.log(2.0))
    return torch.where(2 * values.isnan().sum(-1) > values.shape[-1], math.nan, middle)

"""The noise of Cartesian k-space from places of the image that hold nothing, or little."""

from __future__ import annotations

import math

import numpy as np

from napari_mlpatch.core.noise_level import MAD_TO_STD, QUARTILE_OF_NOISE, from_mostly_noise
from napari_mlpatch.torch_later import Tensor, torch

from .redundancy import rounding

OUTER = 0.8  # of the way to the ends of the axes, beyond which samples are taken for noise
BLOCK = 16  # pixels of a side of a block
LONGEST = 32  # pixels of a stretch of a line
ENOUGH = 256  # samples of which a level is taken
SMOOTH = 1 / 16  # of k-space, standard deviation of the window that keeps a picture's smooth phase
ALIKE = 0.2  # correlation of the sizes of real and imaginary part, above which they have one noise; 0.1 for two


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


def quadrature_level(y: Tensor, mask: np.ndarray) -> float:
    """From the picture of one coil at right angles to its own smooth phase, where all of k-space is measured.

    The phase of the picture without its fine detail is taken off (Noll, Nishimura & Macovski, IEEE Trans. Med. Imaging
    10, 1991): detail of a smooth phase is real then, and the imaginary part, without the share of the real one that it
    holds in each block, is noise alone, of which the lower quartile over blocks counts as in ``noise_level``. Too high
    where the phase is rough. Infinity where not all of k-space is measured, where the picture is small or most of it
    without noise, and where the imaginary part is large in the places in which the real one is: so it is with noise of
    one phase, as k-space has that was computed from a magnitude.
    """
    if not mask.all() or min(mask.shape) < 2 * BLOCK:
        return math.inf
    d = torch.view_as_real(_mixed(in_phase(y, mask)))
    tiles = d.flatten(0, -4).unfold(-3, BLOCK, BLOCK).unfold(-3, BLOCK, BLOCK).flatten(-2).double()
    real, imaginary = tiles.unbind(-2)
    share = (real * imaginary).sum(-1, keepdim=True) / real.square().sum(-1, keepdim=True).clamp(min=1e-300)
    real, imaginary = real.abs(), (imaginary - share * real).abs()
    levels = MAD_TO_STD / 6.0 * imaginary.median(-1).values
    noisy = levels > rounding(y)
    if 2 * int(noisy.sum()) < noisy.numel():
        return math.inf
    alike = float(_correlation(real[noisy], imaginary[noisy]).median())
    level = math.sqrt(2.0) * float(torch.quantile(levels[noisy], 0.25)) / QUARTILE_OF_NOISE
    return math.inf if alike > ALIKE else level


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Along the last axis."""
    a, b = (v - v.mean(-1, keepdim=True) for v in (a, b))
    sizes = (a.square().sum(-1) * b.square().sum(-1)).sqrt()
    return (a * b).sum(-1) / torch.where(sizes > 0, sizes, 1.0)


def in_phase(y: Tensor, mask: np.ndarray) -> Tensor:
    """The picture of k-space ``[..., rows, columns]``, turned in each place by the phase that it has without detail."""
    lines = [torch.arange(n, device=y.device) - n // 2 for n in mask.shape]
    rows, columns = (torch.exp(-0.5 * (k / (SMOOTH * len(k))) ** 2) for k in lines)
    smooth = back(y * (rows[:, None] * columns).to(y.dtype), (-2, -1))
    return back(y, (-2, -1)) * smooth.sgn().conj()


def _mixed(x: Tensor) -> Tensor:
    """Second differences along both last axes at once."""
    return x.diff(n=2, dim=-1).diff(n=2, dim=-2)


def _of_images(y: Tensor, floor: float) -> Tensor:
    """The level of each block of the images, of which y is the k-space (from second differences along both axes)."""
    x = back(y, (-2, -1))
    d = _mixed(x) / 6.0
    known = _throughout(_throughout(x.abs() > floor).mT).mT if floor > 0 else None
    tiles = _only(d, known).flatten(0, -3).unfold(-2, BLOCK, BLOCK).unfold(-2, BLOCK, BLOCK)
    return _median_level(tiles.permute(1, 2, 0, 3, 4).flatten(2).flatten(0, 1))


def _of_lines(y: Tensor, mask: np.ndarray, axis: int, floor: float) -> Tensor:
    """The level of each stretch of the outer lines' transforms back along ``axis``."""
    kept = np.flatnonzero(mask.take(0, axis=axis))
    outer = kept[np.argsort(-np.abs(kept - mask.shape[1 - axis] // 2), kind="stable")][: max(len(kept) // 2, 1)]
    lines = (y.mT if axis == 0 else y)[..., torch.from_numpy(outer).to(y.device), :]
    h = back(lines, (-1,))
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


def back(y: Tensor, axes: tuple[int, ...]) -> Tensor:
    """From k-space to pictures along these axes."""
    shifted = torch.fft.ifftshift(y, dim=axes)
    return torch.fft.fftshift(torch.fft.ifftn(shifted, dim=axes, norm="ortho"), dim=axes)


def _median_level(values: Tensor) -> Tensor:
    """Of magnitudes ``[blocks, values]``, from the median of a Rayleigh distribution; NaN of a block half unknown."""
    middle = values.double().nanmedian(-1).values / math.sqrt(math.log(2.0))
    return torch.where(2 * values.isnan().sum(-1) > values.shape[-1], math.nan, middle)

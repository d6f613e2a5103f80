"""Whether what counts as noise is white noise: as strong everywhere and at all distances, and normally distributed."""

from __future__ import annotations

import math

from napari_mlpatch.torch_later import Tensor, torch

from .noise_level import BLOCK, ENOUGH, MAD_TO_STD, UNCERTAIN, UNEVEN, is_filled, quiet_median

ALL_NOISE = (
    "The data look like white noise throughout, all of which counts as noise. Where its level is known, choose the "
    "method's weight or sigma by it."
)
STEPS = (1, 2)  # pixels between the values of differences
ALIKE = 1.25  # ratio of the levels of differences over these steps, above which they are not of white noise
FEWEST = 300  # values, below which nothing is told from them
BANDS = 8  # of a row
CHANCE = 1.5  # by which the level of the quietest band is below the others' by chance, times the root of its values
WITHIN = {0.25: 0.1341, 2.0: 0.8226}
"""Shares of normal values whose size is below these multiples of its median."""
CERTAIN, LEAST = 2.4, 0.03  # their deviation that chance allows, times the root of how many values; and at least
MOST = 0.5  # of the variance of a picture, above which it holds little but noise
STRONG = 0.15  # of its root mean square, below which that is said of none


def is_white(sizes: list[Tensor], known: list[Tensor] | None = None) -> bool:
    """Whether magnitudes ``[..., rows, columns]`` of differences over several steps are of white noise in quiet blocks.

    Of each step relative to white noise of one level. A chequerboard, say, has differences over one pixel only; detail
    has larger ones over two; and print, other sizes than normal ones.
    """
    levels = [quiet_median(size, None if known is None else known[i]) for i, size in enumerate(sizes)]
    if max(levels) > ALIKE * min(levels):
        return False
    values = sizes[0] if known is None else torch.where(known[0], sizes[0], math.nan)
    tiles = values.unfold(-2, BLOCK, BLOCK).unfold(-2, BLOCK, BLOCK).flatten(-2).flatten(0, -2).double()
    tiles = tiles[(~tiles.isnan()).sum(-1) >= BLOCK**2 // 4]
    middle = tiles.nanmedian(-1, keepdim=True).values
    tiles, middle = tiles[middle[:, 0] > 0], middle[middle[:, 0] > 0]
    if len(tiles) < ENOUGH:
        return False
    quiet = middle[:, 0] <= torch.quantile(middle[:, 0], 0.25)
    shares = (tiles / middle)[quiet]
    return _is_normal(shares[~shares.isnan()])


def doubt(sizes: list[Tensor], y: Tensor, known: list[Tensor] | None = None) -> str:
    """What is to be said of the level that the first of these differences of a real picture ``y`` tell."""
    if not sizes[0].any():
        return ""
    if is_filled(sizes[0], None if known is None else known[0]) or not is_white(sizes, known):
        return UNCERTAIN
    level = MAD_TO_STD * quiet_median(sizes[0], None if known is None else known[0])
    values = y.double()
    drowned = level**2 > MOST * float(values.var()) and level**2 > STRONG**2 * float(values.square().mean())
    return ALL_NOISE if drowned else ""


def remark_on_image(y: Tensor) -> str:
    """What is to be said of ``noise_level.from_image`` of these pictures."""
    if y.shape[-2] < 3 or y.shape[-1] < 3:
        return UNCERTAIN
    parts = (y.real, y.imag) if y.is_complex() else (y,)
    found = [doubt(differences(item), item, _not_empty(item)) for part in parts for item in part.split(1)]
    return worst(found)


def worst(found: list[str]) -> str:
    """What is to be said of several parts, of which each was told."""
    return UNCERTAIN if UNCERTAIN in found else ALL_NOISE if all(found) else ""


def differences(y: Tensor) -> list[Tensor]:
    """Magnitudes of second differences along both last axes at once, over one pixel and over two, of unit gain."""
    return [_second(_second(y, -1, step), -2, step).abs() / 6.0 for step in STEPS if min(y.shape[-2:]) > 2 * step]


def remark_on_rows(y: Tensor) -> str:
    """What is to be said of ``noise_level.from_smooth`` of real rows ``[..., rows, columns]`` such as a sinogram's.

    That it is uncertain: where differences are larger in most bands of the columns than in the quietest one, as the
    object's are beside air, be it detail or the noise of few counts; where they are not alike over one value and over
    two; where they are not normally distributed; and of few values.
    """
    return UNCERTAIN if any(_is_doubtful(item) for item in y.split(1)) else ""


def _is_doubtful(y: Tensor) -> bool:
    if y.shape[-1] < 3 or not bool((size := _second(y, -1, 1).abs()).any()):
        return y.shape[-1] < 3
    if size.numel() < FEWEST or y.shape[-1] <= 2 * STEPS[-1]:
        return True
    levels = [float(_second(y, -1, step).abs().median()) for step in STEPS]
    if min(levels) == 0 or max(levels) > ALIKE * min(levels):
        return True
    bands = size.tensor_split(min(BANDS, size.shape[-1]), -1)
    quiet = min(float(band.median()) * (1.0 + CHANCE / math.sqrt(band.numel())) for band in bands)
    is_uneven = 0 < UNEVEN * quiet < levels[0]
    return is_uneven or not _is_normal((size / levels[0]).flatten().double())


def _is_normal(shares: Tensor) -> bool:
    """Whether magnitudes over their median are of normal values."""
    margin = max(CERTAIN / math.sqrt(max(shares.numel(), 1)), LEAST)
    return all(abs(float((shares < most).double().mean()) - share) <= margin for most, share in WITHIN.items())


def _not_empty(y: Tensor) -> list[Tensor] | None:
    """Where differences count ``[rows, columns]``: not where there is nothing, as outside of a circle; None for all."""
    empty = (y == 0).flatten(0, -3).all(0)
    if not bool(empty.any()):
        return None
    found = []
    for size, step in zip(differences(y), STEPS, strict=False):
        nothing = (size == 0).flatten(0, -3).all(0) & empty[step:-step, step:-step]
        found.append(~nothing)
    return found


def _second(y: Tensor, axis: int, step: int) -> Tensor:
    n = y.shape[axis] - 2 * step
    return y.narrow(axis, 0, n) - 2.0 * y.narrow(axis, step, n) + y.narrow(axis, 2 * step, n)

"""Smooth surfaces through scattered pixels."""

from __future__ import annotations

import math

from napari_mlpatch.core.noise_doubt import STEPS, doubt, worst
from napari_mlpatch.core.noise_level import MAD_TO_STD, quiet_median
from napari_mlpatch.core.phase import real_and_imaginary
from napari_mlpatch.torch_later import F, Tensor, torch

SWEEPS = 4


def fill(y: Tensor, mask: Tensor) -> Tensor:
    """Pixels ``[B, C, rows, columns]`` where ``mask`` is True, and a smooth surface through them elsewhere.

    Means over 2 x 2 pixels, over 4 x 4 and so on are of what is measured. From the coarsest on, each is put in,
    interpolated bilinearly, where the next finer one knows nothing (Gortler et al., SIGGRAPH 1996), and there a few
    times replaced by the mean over the neighbours.
    """
    if y.is_complex():
        return torch.complex(fill(y.real, mask), fill(y.imag, mask))
    sums = [torch.where(mask, y, 0.0)]
    weights = [mask.to(y.dtype)[None, None]]
    while max(sums[-1].shape[-2:]) > 1:
        sums.append(_halved(sums[-1]))
        weights.append(_halved(weights[-1]))
    x = sums[-1] / weights[-1]
    for s, w in zip(sums[-2::-1], weights[-2::-1], strict=True):
        rows, columns = s.shape[-2:]
        x = F.interpolate(x, scale_factor=2, mode="bilinear")[..., :rows, :columns]
        known, values = w > 0, s / torch.where(w > 0, w, 1.0)
        x = torch.where(known, values, x)
        for _ in range(SWEEPS):
            x = torch.where(known, values, _mean_of_neighbours(x))
    return torch.where(mask, y, x)


def _halved(x: Tensor) -> Tensor:
    """Means over 2 x 2 pixels, of what there is at the far edges."""
    return F.avg_pool2d(x, 2, ceil_mode=True)


def _mean_of_neighbours(x: Tensor) -> Tensor:
    """Mean of the four neighbours; beyond the image's edge the edge goes on."""
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    vertical, horizontal = p[..., 1:-1], p[..., 1:-1, :]
    total = vertical[..., 2:, :] + vertical[..., :-2, :]
    return total.add_(horizontal[..., 2:]).add_(horizontal[..., :-2]).mul_(0.25)


def noise_among_kept(y: Tensor, mask: Tensor) -> float:
    """Standard deviation of white noise, robustly, from pixels where ``mask`` is True.

    ``1.4826 · median |y - p| / sqrt(1 + sum w²)`` in quiet blocks (``noise_level.quiet_median``), where p is the mean
    of the measured ones among the 8 neighbours with weights w that sum to one. Of complex pictures: the root of
    the summed variances of real and imaginary part.
    """
    if y.is_complex():
        real, imaginary = real_and_imaginary(y)
        return math.hypot(noise_among_kept(real, mask), noise_among_kept(imaginary, mask))
    size, known = _unpredicted(y, mask)
    return MAD_TO_STD * quiet_median(size, known) if known.any() else 0.0


def remark_on_kept(y: Tensor, mask: Tensor) -> str:
    """That ``noise_among_kept`` of these pictures is uncertain, where it is."""
    parts = real_and_imaginary(y) if y.is_complex() else (y,)
    found = []
    for item in (item for part in parts for item in part.split(1)):
        pairs = [_unpredicted(item, mask, step) for step in STEPS]
        found.append(doubt([size for size, _ in pairs], item[..., mask.expand(item.shape[-2:])], [k for _, k in pairs]))
    return worst(found)


def _unpredicted(y: Tensor, mask: Tensor, step: int = 1) -> tuple[Tensor, Tensor]:
    """``|y - p| / sqrt(1 + sum w²)`` and where it is known ``[rows, columns]``, from neighbours that far away."""
    line = torch.tensor([0.5, 1.0, 0.5], dtype=y.dtype, device=y.device)
    kernel = torch.outer(line, line)
    kernel[1, 1] = 0.0
    kernel = kernel[None, None]
    m = mask.to(y.dtype)[None, None]
    weight = F.conv2d(m, kernel, padding=step, dilation=step)
    squares = F.conv2d(m, kernel.square(), padding=step, dilation=step)
    known = (mask & (weight > 0))[0, 0]
    kept = torch.where(mask, y, 0.0).flatten(0, 1)[:, None]
    predicted = F.conv2d(kept, kernel, padding=step, dilation=step) / weight.clamp(min=1e-6)
    spread = (1.0 + squares / weight.clamp(min=1e-6).square()).sqrt()
    return ((kept - predicted) / spread).abs(), known

"""The radial power spectrum of a picture: how its power is spread over spatial frequencies."""

from __future__ import annotations

import math

from napari_mlpatch.torch_later import Tensor, torch

from .errors import InputError

TAPER = 0.125
"""Share of a side at either end over which a picture falls to zero, so that its edges do not count as detail."""


def radial_power(x: Tensor, *, taper: float = TAPER) -> tuple[Tensor, Tensor]:
    """Mean power of a picture ``[..., rows, columns]`` on rings of spatial frequency: ``(frequency, power)``, 1-D.

    ``P(f) = mean over |k| ≈ f of |FFT(w (x - mean))|² / Σ w²`` (the periodogram), frequencies in cycles per pixel from
    0 to 1/2, so that white noise has its variance at every frequency. Means over leading axes. ``taper`` is the share
    of a side at either end over which the window w (Tukey's) falls to zero; with 0 it is 1 everywhere. Raises
    InputError for pictures without two axes.
    """
    w = window((x.shape[-2], x.shape[-1]), taper).to(x.device) if x.ndim >= 2 else None
    if w is None or min(x.shape[-2:]) < 2:
        raise InputError(f"A power spectrum is that of a picture [rows, columns], got the shape {list(x.shape)}.")
    wide = x.to(torch.complex128 if x.is_complex() else torch.float64)
    centred = wide - wide.mean((-2, -1), keepdim=True)
    power = torch.fft.fft2(w * centred).abs().square() / w.square().sum()
    return frequencies(x.shape[-2:]), over_rings(power.flatten(0, -3).mean(0) if power.ndim > 2 else power)


def frequencies(shape: tuple[int, ...]) -> Tensor:
    """Of the rings of a picture, in cycles per pixel, from 0 to at most 1/2, in steps of one over its shorter side."""
    n = min(shape)
    return torch.arange(n // 2 + 1, dtype=torch.float64) / n


def ring_of(shape: tuple[int, ...]) -> Tensor:
    """The ring in which each value of an FFT ``[rows, columns]`` lies; those in the corners lie beyond the last one."""
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64) for n in shape)
    return torch.hypot(rows[:, None], columns[None, :]).mul(min(shape)).round().long()


def over_rings(values: Tensor, *, total: bool = False) -> Tensor:
    """Means (or sums) of values ``[rows, columns]`` in the order of an FFT over the rings of ``frequencies``."""
    ring = ring_of(tuple(values.shape)).flatten()
    count = min(values.shape) // 2 + 1
    inside = ring < count
    sums = torch.zeros(count, dtype=values.dtype).index_add_(0, ring[inside], values.flatten().cpu()[inside])
    return sums if total else sums / torch.bincount(ring[inside], minlength=count)


def window(shape: tuple[int, int], taper: float) -> Tensor:
    """Tukey's window ``[rows, columns]``: 1 inside, falling to zero as a cosine over a share ``taper`` at each end."""
    sides = []
    for n in shape:
        distance = torch.minimum(torch.arange(n) + 0.5, n - torch.arange(n) - 0.5).double()
        width = taper * n
        ramp = 0.5 - 0.5 * torch.cos(math.pi * (distance / width).clamp(max=1.0)) if width > 0 else distance * 0 + 1
        sides.append(ramp)
    return sides[0][:, None] * sides[1][None, :]

"""Orthonormal wavelets as convolutions."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Bands = list[Tensor]


def daubechies(moments: int) -> np.ndarray:
    """The orthonormal low-pass filter of 2 · ``moments`` taps, of least phase, with that many vanishing moments.

    The spectral factor of ``(1 + z)^N Q(z)`` with all roots inside the unit circle: Daubechies, Ten Lectures on
    Wavelets, 1992, section 6.1.
    """
    polynomial = [math.comb(moments - 1 + k, k) for k in reversed(range(moments))]
    roots = []
    for y in np.roots(polynomial):  # y = (2 - z - 1/z) / 4
        pair = np.roots([1.0, 4 * y - 2, 1.0])
        roots.append(pair[np.argmin(np.abs(pair))])
    taps = np.real(np.poly(np.array([-1.0] * moments + roots)))
    return taps * (math.sqrt(2) / taps.sum())


class Wavelets(nn.Module):
    """Pictures as sums of the wavelets of a periodic orthonormal basis, ``x = W⁻¹ z``, with its exact adjoint.

    Pictures whose sides are no multiple of ``2**levels`` are cut out of the next larger ones. Bands are
    ``[B, C, h, w]`` in the order coarse one, then for each level from coarse to fine details along the first axis, the
    second, both. Mallat, A Wavelet Tour of Signal Processing, 3rd ed., section 7.7.
    """

    filters: Tensor

    def __init__(self, moments: int = 2, levels: int = 3):
        super().__init__()
        self.levels = levels
        low = daubechies(moments)
        high = low[::-1] * (-1.0) ** np.arange(len(low))
        four = np.stack([np.outer(a, b) for b in (low, high) for a in (low, high)])
        self.register_buffer("filters", torch.as_tensor(four[:, None]), persistent=False)

    @property
    def bands(self) -> int:
        """So many, the coarse one included."""
        return 3 * self.levels + 1

    def forward(self, bands: Bands, shape: tuple[int, ...]) -> Tensor:
        """The picture ``[B, C, *shape]``."""
        x = bands[0]
        for level in range(self.levels):
            parts = torch.stack([x, *bands[3 * level + 1 : 3 * level + 4]], 2)
            x = self._merge(parts)
        return x[..., : shape[0], : shape[1]]

    def adjoint(self, x: Tensor) -> Bands:
        """The bands of a picture, with zeros beyond its far edges: the adjoint of ``forward``."""
        rows, columns = (-n % 2**self.levels for n in x.shape[-2:])
        x, found = F.pad(x, (0, columns, 0, rows)), []
        for _ in range(self.levels):
            x, *details = self._split(x).unbind(2)
            found = [*details, *found]
        return [x, *found]

    def _split(self, x: Tensor) -> Tensor:
        """``[B, C, H, W]`` -> ``[B, C, 4, H/2, W/2]``."""
        filters = self.filters.to(x)
        z = x.flatten(0, 1)[:, None]
        for axis in (-2, -1):
            z = z.index_select(axis, self._around(z.shape[axis], z.device))
        return F.conv2d(z, filters, stride=2).unflatten(0, x.shape[:2])

    def _merge(self, parts: Tensor) -> Tensor:
        """The adjoint of ``_split``, which is its inverse."""
        filters = self.filters.to(parts)
        z = F.conv_transpose2d(parts.flatten(0, 1), filters, stride=2)
        for axis in (-2, -1):
            n = 2 * parts.shape[axis]
            shape = [*z.shape]
            shape[axis] = n
            z = z.new_zeros(shape).index_add(axis, self._around(n, z.device), z)
        return z[:, 0].unflatten(0, parts.shape[:2])

    def _around(self, n: int, device: torch.device) -> Tensor:
        """The pixels that ``n / 2`` filters read, one after the other, going on periodically."""
        taps = self.filters.shape[-1]
        return (torch.arange(n + taps - 2, device=device) - (taps // 2 - 1)) % n

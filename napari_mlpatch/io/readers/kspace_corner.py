"""K-space whose zero frequency, or the middle of whose picture, is in a corner of the array: an fftshift is missing."""

from __future__ import annotations

from typing import Literal

import numpy as np

Corner = Literal["frequency", "picture", "both"]
WORDS = {
    "frequency": "zero frequency",
    "picture": "the middle of the picture",
    "both": "zero frequency and the middle of the picture",
}
BRIGHTER = 3.0  # than the middle, all four corners of a picture whose middle is there


def centred(kspace: np.ndarray, corner: Corner | None) -> np.ndarray:
    """K-space ``[..., rows, columns]`` with the zero frequency, and the middle of its picture, at ``n // 2``.

    "frequency": of ``fft2`` without ``fftshift`` after it. "picture": of ``fftshift(fft2(x))``, without ``ifftshift``
    before it, which is a factor of unit size. "both": of ``fft2(x)``.
    """
    kspace = centred_mask(kspace, corner)
    if corner in ("picture", "both"):
        for axis in (-2, -1):
            n = kspace.shape[axis]
            wave = np.exp(2j * np.pi * (np.arange(n) - n // 2) * (n // 2) / n).astype(np.complex64)
            kspace = kspace * (wave[:, None] if axis == -2 else wave)
    return kspace


def centred_mask(mask: np.ndarray, corner: Corner | None) -> np.ndarray:
    """The same of what was measured."""
    return np.fft.fftshift(mask, axes=(-2, -1)) if corner in ("frequency", "both") else mask


def picture_in_corner(kspace: np.ndarray) -> bool:
    """Whether the picture of ``[coils, rows, columns]`` is bright in all four corners and dark in the middle."""
    if min(kspace.shape[-2:]) < 16 or not np.isfinite(kspace).all():
        return False
    picture = np.fft.ifft2(np.fft.ifftshift(kspace, axes=(-2, -1)))  # its middle at [0, 0]
    size = np.abs(picture)
    power = np.square(size / max(float(size.max()), np.finfo(np.float32).tiny)).sum(axis=0)
    rows, columns = (n // 8 for n in power.shape)
    middle = np.fft.fftshift(power)[power.shape[0] // 2 - rows :, power.shape[1] // 2 - columns :]
    middle = middle[: 2 * rows, : 2 * columns].mean()
    opposite = np.roll(np.fft.fftshift(power), (rows, columns), (0, 1))[: 2 * rows, : 2 * columns]
    corners = opposite.reshape(2, rows, 2, columns).mean(axis=(1, 3))
    return bool(corners.min() > BRIGHTER * middle)

"""A denoiser for images in [0, 1], used in the data's own units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_mlpatch.torch_later import Tensor, torch

from .base import Denoise


@dataclass(frozen=True)
class Scaled:
    """A denoiser for images in [0, 1], used on images whose values lie between ``low`` and ``high``.

    Complex images are denoised in their real and imaginary parts, which then lie between ``-high`` and ``high``. Their
    sigma is that of the whole, as in the noise of complex data: each part has ``sigma / sqrt(2)``.
    """

    denoise: Denoise
    low: float
    high: float

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if x.is_complex():
            size = max(abs(self.low), abs(self.high))
            parts = torch.cat([x.real, x.imag]) / (2.0 * size) + 0.5
            real, imaginary = ((self._run(parts, sigma / math.sqrt(2.0) / (2.0 * size)) - 0.5) * (2.0 * size)).chunk(2)
            return torch.complex(real, imaginary)
        span = self.high - self.low
        return self._run((x - self.low) / span, sigma / span) * span + self.low

    def _run(self, x: Tensor, sigma: float) -> Tensor:
        return self.denoise(x.to(torch.float32), sigma).to(x.dtype)

"""A denoiser for images in [0, 1], used in the data's own units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_mlpatch.solvers.items import each
from napari_mlpatch.torch_later import Tensor, torch

from .base import Denoise


@dataclass(frozen=True)
class Scaled:
    """A denoiser for images in [0, 1], used on images whose values lie between ``low`` and ``high``.

    Both are one for all items, or ``[B]`` float64 on the CPU, and so is sigma. Complex images are denoised in their
    real and imaginary parts, which then lie between ``-high`` and ``high``, after ``phase`` (``[B]`` complex, of
    magnitude one) is taken off them. Their sigma is that of the whole, as in the noise of complex data: each part has
    ``sigma / sqrt(2)``.
    """

    denoise: Denoise
    low: float | Tensor
    high: float | Tensor
    phase: Tensor | None = None

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        numbers = (self.low, self.high, sigma)
        low, high, level = (torch.as_tensor(v, dtype=torch.float64).expand(len(x)) for v in numbers)
        if x.is_complex():
            turn = None if self.phase is None else each(self.phase, x)
            x = x if turn is None else x * turn.conj()
            size = 2.0 * torch.maximum(low.abs(), high.abs()).repeat(2)
            scale = each(size, x.real)
            parts = torch.cat([x.real, x.imag]) / scale + 0.5
            clean = (self._run(parts, level.repeat(2) / math.sqrt(2.0) / size) - 0.5) * scale
            whole = torch.complex(*clean.chunk(2))
            return whole if turn is None else whole * turn
        span, offset = each(high - low, x), each(low, x)
        return self._run((x - offset) / span, level / (high - low)) * span + offset

    def _run(self, x: Tensor, level: Tensor) -> Tensor:
        same = bool((level == level[0]).all())
        return self.denoise(x.to(torch.float32), float(level[0]) if same else level).to(x.dtype)

"""A learned linear filter of the whole image, which suppresses noise before the patches are read."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .cubic import periodic_matrix

PAD = 5


class FourierFilter(nn.Module):
    """Multiply the spectrum by a learned complex function; give real part, imaginary part, and the image itself.

    The filter is defined on the DFT grid of an image of ``size`` x ``size`` pixels, padded by 5 zeros on each side.
    For other images it is resampled about DC (bicubic, periodic), so a filter of Hermitian symmetry keeps it. Two
    channels are the real and imaginary parts of one image; otherwise each channel has its own filter.
    Output: ``3 C`` channels, 4 for two channels. It starts as the identity.
    """

    def __init__(self, channels: int, size: int):
        super().__init__()
        count = 1 if channels == 2 else channels
        self.filter = nn.Parameter(torch.zeros(count, size + 2 * PAD, size + 2 * PAD, 2))
        with torch.no_grad():
            self.filter[..., 0] = 1

    def resampled(self, rows: int, columns: int) -> Tensor:
        """The complex filter ``[count, rows, columns]`` in the order of ``fft2``."""
        values = torch.view_as_complex(self.filter)
        old = values.shape[-1]
        if (rows, columns) != (old, old):
            down, across = (periodic_matrix(n, old, self.filter).to(values.dtype) for n in (rows, columns))
            values = down @ values @ across.T
        return values

    def forward(self, x: Tensor) -> Tensor:
        """``x: [B, C, H, W]`` -> ``[B, 3 C, H, W]`` (``[B, 4, H, W]`` for C = 2)."""
        rows, columns = x.shape[-2:]
        padded = F.pad(x.to(torch.promote_types(x.dtype, torch.float32)), (PAD, PAD, PAD, PAD))
        if x.shape[1] == 2:
            padded = torch.complex(padded[:, :1], padded[:, 1:])
        filtered = torch.fft.ifft2(torch.fft.fft2(padded) * self.resampled(rows + 2 * PAD, columns + 2 * PAD))
        filtered = filtered[..., PAD : PAD + rows, PAD : PAD + columns]
        return torch.cat([filtered.real.to(x.dtype), filtered.imag.to(x.dtype), x], 1)


def output_channels(channels: int) -> int:
    return 4 if channels == 2 else 3 * channels

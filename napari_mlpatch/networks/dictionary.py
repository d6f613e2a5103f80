"""A convolutional dictionary: pictures as sums of small learned patterns, placed anywhere."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dictionary(nn.Module):
    """``D z = sum_m d_m * z_m`` with ``atoms`` learned patterns of ``size x size`` pixels, and its exact adjoint.

    At first they are the products of cosines of lowest frequency, so scaled that ‖D‖ <= 1. Papyan, Romano & Elad,
    Convolutional neural networks analyzed via convolutional sparse coding, J. Mach. Learn. Res. 18, 2017.
    """

    def __init__(self, channels: int, atoms: int, size: int):
        super().__init__()
        self.padding = size // 2
        self.patterns = nn.Parameter(_cosines(channels, atoms, size))

    @property
    def bands(self) -> int:
        """Codes are one band with a map for each pattern."""
        return len(self.patterns)

    def forward(self, codes: list[Tensor], shape: tuple[int, ...]) -> Tensor:
        """Codes ``[B, atoms, H, W]`` -> pictures ``[B, C, H, W]``."""
        return F.conv_transpose2d(codes[0], self.patterns, padding=self.padding)

    def adjoint(self, x: Tensor) -> list[Tensor]:
        """Pictures -> codes: the correlation with each pattern."""
        return [F.conv2d(x, self.patterns, padding=self.padding)]


def _cosines(channels: int, atoms: int, size: int) -> Tensor:
    """``[atoms, channels, size, size]``. All size² of them together, at every place, are a tight frame of norm 1."""
    n = np.arange(size)
    basis = np.array([np.cos(math.pi * (n + 0.5) * k / size) for k in n])
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    pairs = sorted(((i, j) for i in n for j in n), key=lambda pair: (sum(pair), pair))
    products = np.stack([np.outer(basis[i], basis[j]) for i, j in pairs])
    found = np.zeros((atoms, channels, size, size))
    for k in range(atoms):
        found[k, k % channels] = products[(k // channels) % len(products)]
    repeats = math.ceil(atoms / (channels * size**2))  # of one pattern, where there are more than products
    return torch.from_numpy(found / (size * math.sqrt(repeats))).float()

"""Learned positive numbers: steps, weights, thresholds."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Positive(nn.Module):
    """Numbers that stay positive while they are learned, ``softplus(raw)``; called, it gives them.

    ``start`` is what they are at first: one number, or a tensor of them, all above zero.
    """

    def __init__(self, start: float | Tensor):
        super().__init__()
        value = torch.as_tensor(start, dtype=torch.float64)
        self.raw = nn.Parameter((value + torch.log(-torch.expm1(-value))).float())  # softplus backwards

    def forward(self) -> Tensor:
        return F.softplus(self.raw)

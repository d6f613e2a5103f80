"""The noise level as one more channel of the image."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_mlpatch.core.errors import InputError


def with_noise_map(x: Tensor, sigma: float | Tensor | None, channels: int, wanted: bool) -> Tensor:
    """``x [B, C, H, W]`` with a constant channel that holds sigma (a number or ``[B]``), where it is ``wanted``.

    Raises InputError for another number of channels, and where sigma is wanted but missing.
    """
    if x.ndim != 4 or x.shape[1] != channels:
        raise InputError(f"The network takes images [batch, {channels}, rows, columns], got {list(x.shape)}.")
    if not wanted:
        return x
    if sigma is None:
        raise InputError("The network needs the standard deviation of the noise: give sigma.")
    level = torch.as_tensor(sigma, device=x.device, dtype=x.dtype).reshape(-1, 1, 1, 1)
    return torch.cat([x, level.expand(len(x), 1, *x.shape[2:])], 1)

"""The noise level: one number for each image, and one more channel of the image."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from napari_mlpatch.core.errors import InputError


def noise_levels(sigma: float | Tensor, x: Tensor) -> Tensor:
    """The standard deviations ``[B]`` of the noise of the images ``x [B, C, H, W]``, of a number or one for each.

    Raises InputError for another count, and for NaN, infinite and negative ones.
    """
    levels = torch.as_tensor(sigma, dtype=x.dtype)
    if levels.ndim > 1 or levels.numel() not in (1, len(x)):
        raise InputError(f"sigma is one number or one for each of {len(x)} images, got {list(levels.shape)}.")
    # A GPU would have to be waited for: what lies there already is believed.
    if levels.device.type == "cpu" and not bool(((levels >= 0) & (levels < math.inf)).all()):
        raise InputError(
            "sigma, the standard deviation of the noise in the units of the image, is a finite number from 0 on, got "
            f"{levels.tolist()}."
        )
    return levels.to(x.device).expand(len(x))


def with_noise_map(network: nn.Module, x: Tensor, sigma: float | Tensor | None) -> Tensor:
    """``x [B, C, H, W]`` as the network takes it: where its noise level is an input, with a constant channel of it.

    ``network.config`` has ``channels`` and ``noise_input``. Raises InputError for images of other channels or of
    another type than the network's, where sigma is wanted but missing, and like ``noise_levels``.
    """
    config: Any = network.config
    dtype = next(network.parameters()).dtype
    if x.ndim != 4 or x.shape[1] != config.channels:
        raise InputError(f"The network takes images [batch, {config.channels}, rows, columns], got {list(x.shape)}.")
    if x.dtype != dtype:
        raise InputError(f"The network computes in {dtype}, the image is {x.dtype}. Convert it: x.to({dtype}).")
    if not config.noise_input:
        return x
    if sigma is None:
        raise InputError("The network needs the standard deviation of the noise: give sigma.")
    level = noise_levels(sigma, x)[:, None, None, None]
    return torch.cat([x, level.expand(len(x), 1, *x.shape[2:])], 1)

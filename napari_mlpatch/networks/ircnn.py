"""IRCNN: seven dilated convolutions, one network or one for each noise level."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture
from .noise_map import noise_levels, with_noise_map

DILATIONS = (1, 2, 3, 4, 3, 2, 1)


@architectures.register("ircnn", title="IRCNN")
@dataclass(frozen=True, config=CONFIG)
class IRCNNConfig(Architecture):
    """Width and size of the bank; the defaults are one published network. The published bank has 25."""

    channels: Annotated[Literal[1, 2, 3], Field(description="channels of the image")] = 1
    width: Annotated[int, Field(ge=1, le=1024, description="channels between the convolutions")] = 64
    bank: Annotated[int, Field(ge=1, le=100, description="networks, for the noise levels 2, 4, 6... of 255")] = 1
    noise_input: Annotated[bool, Field(description="the noise level is one more channel of the input")] = False

    start: ClassVar = {"width": 32, "noise_input": True}

    def build(self) -> IRCNN:
        return IRCNN(self)


class IRCNN(nn.Module):
    """Convolutions 3x3 with dilations 1, 2, 3, 4, 3, 2, 1 that predict the noise, which is taken off.

    Zhang, Zuo, Gu & Zhang, Learning deep CNN denoiser prior for image restoration, CVPR 2017. A bank chooses the
    network of the next higher noise level; images are in [0, 1].
    """

    def __init__(self, config: IRCNNConfig | None = None):
        super().__init__()
        self.config = config = config or IRCNNConfig()
        inputs = config.channels + config.noise_input
        self.models = nn.ModuleList(_network(inputs, config.width, config.channels) for _ in range(config.bank))

    def forward(self, x: Tensor, sigma: float | Tensor | None = None) -> Tensor:
        """``x: [B, C, H, W]`` -> the same shape. ``sigma`` is needed with ``noise_input`` and by a bank."""
        given = with_noise_map(self, x, sigma)
        if self.config.bank == 1:
            return x - self.models[0](given)
        if sigma is None:
            raise InputError("A bank of networks needs the standard deviation of the noise: give sigma.")
        levels = noise_levels(sigma, x).tolist()
        noise = [self._of(level)(part[None])[0] for part, level in zip(given, levels, strict=True)]
        return x - torch.stack(noise)

    def _of(self, sigma: float) -> nn.Module:
        index = math.ceil(round(255 * sigma, 6) / 2) - 1
        return self.models[min(max(index, 0), self.config.bank - 1)]


def _network(inputs: int, width: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for k, dilation in enumerate(DILATIONS):
        before = inputs if k == 0 else width
        after = outputs if k == len(DILATIONS) - 1 else width
        layers += [nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])

"""U-Net."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture
from .noise_map import with_noise_map


@architectures.register("unet", title="U-Net")
@dataclass(frozen=True, config=CONFIG)
class UNetConfig(Architecture):
    """Width of the first level, doubled on each of ``depth`` coarser ones. 64 and 4 are the published network."""

    channels: Annotated[Literal[1, 2, 3], Field(description="channels of the image")] = 1
    width: Annotated[int, Field(ge=1, le=512, description="channels of the finest level")] = 32
    depth: Annotated[int, Field(ge=1, le=6, description="coarser levels")] = 4
    batch_norm: Annotated[bool, Field(description="batch normalisation after the convolutions")] = True
    residual: Annotated[bool, Field(description="predict what is to be added to the input")] = False
    noise_input: Annotated[bool, Field(description="the noise level is one more channel of the input")] = False

    start: ClassVar = {"width": 16, "depth": 3, "noise_input": True}

    def build(self) -> UNet:
        return UNet(self)


class UNet(nn.Module):
    """Two convolutions 3x3 on each level, max-pooling down, transposed convolutions up, skips concatenated.

    Ronneberger, Fischer & Brox, U-Net, MICCAI 2015, with padding. Images whose sides are no multiple of ``2**depth``
    are continued at their far edges and cut again.
    """

    def __init__(self, config: UNetConfig | None = None):
        super().__init__()
        self.config = config = config or UNetConfig()
        widths = [config.width * 2**level for level in range(config.depth + 1)]
        first = config.channels + config.noise_input
        inputs = [first, *widths[:-1]]
        self.down = nn.ModuleList(_double(a, b, config.batch_norm) for a, b in zip(inputs, widths, strict=True))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in widths[:-1])
        self.up = nn.ModuleList(_double(2 * w, w, config.batch_norm) for w in widths[:-1])
        self.last = nn.Conv2d(config.width, config.channels, 1)

    def forward(self, x: Tensor, sigma: float | Tensor | None = None) -> Tensor:
        """``x: [B, C, H, W]`` -> the same shape. ``sigma``, in the units of x, is used only with ``noise_input``."""
        z = padded(with_noise_map(self, x, sigma), 2**self.config.depth)
        skips = []
        for level, block in enumerate(self.down):
            z = block(z if level == 0 else F.max_pool2d(z, 2))
            skips.append(z)
        for level in reversed(range(self.config.depth)):
            z = self.up[level](torch.cat([skips[level], self.rise[level](z)], 1))
        z = self.last(z)[..., : x.shape[-2], : x.shape[-1]]
        return x + z if self.config.residual else z


def padded(x: Tensor, multiple: int) -> Tensor:
    """Rows and columns repeated at the far edges until both sides are multiples."""
    rows, columns = (-n % multiple for n in x.shape[-2:])
    return F.pad(x, (0, columns, 0, rows), mode="replicate") if rows or columns else x


def _double(inputs: int, outputs: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (inputs, outputs):
        layers.append(nn.Conv2d(before, outputs, 3, padding=1, bias=not batch_norm))
        layers += [nn.BatchNorm2d(outputs)] * batch_norm
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)

"""DRU-Net."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture
from .noise_map import with_noise_map
from .unet import padded


@architectures.register("drunet", title="DRU-Net")
@dataclass(frozen=True, config=CONFIG)
class DRUNetConfig(Architecture):
    """Width of the finest of four levels and residual blocks on each; the defaults are the published network."""

    channels: Annotated[Literal[1, 2, 3], Field(description="channels of the image")] = 1
    width: Annotated[int, Field(ge=1, le=512, description="channels of the finest level, doubled on each other")] = 64
    blocks: Annotated[int, Field(ge=1, le=16, description="residual blocks on each level")] = 4
    noise_input: Annotated[bool, Field(description="the noise level is one more channel of the input")] = True

    start: ClassVar = {"width": 16, "blocks": 1}

    def build(self) -> DRUNet:
        return DRUNet(self)


class Residual(nn.Module):
    """``x + conv(relu(conv(x)))``."""

    def __init__(self, width: int):
        super().__init__()
        self.res = nn.Sequential(_conv(width, width), nn.ReLU(inplace=True), _conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.res(x)


class DRUNet(nn.Module):
    """A U-Net of residual blocks without biases, with added skips and the noise level as a channel.

    Zhang et al., Plug-and-play image restoration with deep denoiser prior, IEEE TPAMI 2021. Layers are named as in the
    authors' files (KAIR, DPIR), so that those can be read. Images are in [0, 1].
    """

    def __init__(self, config: DRUNetConfig | None = None):
        super().__init__()
        self.config = config = config or DRUNetConfig()
        a, b, c, d = (config.width * 2**level for level in range(4))
        self.m_head = _conv(config.channels + config.noise_input, a)
        self.m_down1 = self._down(a, b)
        self.m_down2 = self._down(b, c)
        self.m_down3 = self._down(c, d)
        self.m_body = nn.Sequential(*self._blocks(d))
        self.m_up3 = self._up(d, c)
        self.m_up2 = self._up(c, b)
        self.m_up1 = self._up(b, a)
        self.m_tail = _conv(a, config.channels)

    def forward(self, x: Tensor, sigma: float | Tensor | None = None) -> Tensor:
        """``x: [B, C, H, W]`` -> the same shape. ``sigma``, in the units of x, is a number or ``[B]``."""
        x0 = self.m_head(padded(with_noise_map(self, x, sigma), 8))
        x1 = self.m_down1(x0)
        x2 = self.m_down2(x1)
        x3 = self.m_down3(x2)
        z = self.m_up3(self.m_body(x3) + x3)
        z = self.m_up2(z + x2)
        z = self.m_up1(z + x1)
        return self.m_tail(z + x0)[..., : x.shape[-2], : x.shape[-1]]

    def _blocks(self, width: int) -> list[nn.Module]:
        return [Residual(width) for _ in range(self.config.blocks)]

    def _down(self, width: int, next_width: int) -> nn.Sequential:
        return nn.Sequential(*self._blocks(width), nn.Conv2d(width, next_width, 2, stride=2, bias=False))

    def _up(self, width: int, next_width: int) -> nn.Sequential:
        rise = nn.ConvTranspose2d(width, next_width, 2, stride=2, bias=False)
        return nn.Sequential(rise, *self._blocks(next_width))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

"""DnCNN."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture
from .noise_map import with_noise_map


@architectures.register("dncnn", title="DnCNN")
@dataclass(frozen=True, config=CONFIG)
class DnCNNConfig(Architecture):
    """Depth and width; the defaults are the published network. Without ``batch_norm`` it is merged into the weights."""

    channels: Annotated[Literal[1, 2, 3], Field(description="channels of the image")] = 1
    depth: Annotated[int, Field(ge=3, le=64, description="convolutions")] = 17
    width: Annotated[int, Field(ge=1, le=1024, description="channels between them")] = 64
    batch_norm: Annotated[bool, Field(description="batch normalisation after the inner convolutions")] = False
    noise_input: Annotated[bool, Field(description="the noise level is one more channel of the input")] = False
    residual: Annotated[bool, Field(description="predict the noise; otherwise the image")] = True

    start: ClassVar = {"depth": 7, "width": 32, "noise_input": True}

    def build(self) -> DnCNN:
        return DnCNN(self)


class DnCNN(nn.Module):
    """Convolutions 3x3 with ReLU that predict the noise, which is taken off (or, not residual, the image itself).

    Zhang, Zuo, Chen, Meng & Zhang, Beyond a Gaussian denoiser, IEEE Trans. Image Process. 26, 2017. Layers are numbered
    as in the authors' files (KAIR), so that those can be read.
    """

    def __init__(self, config: DnCNNConfig | None = None):
        super().__init__()
        self.config = config = config or DnCNNConfig()
        width = config.width
        layers: list[nn.Module] = [_conv(config.channels + config.noise_input, width), nn.ReLU(inplace=True)]
        for _ in range(config.depth - 2):
            layers.append(_conv(width, width))
            if config.batch_norm:
                layers.append(nn.BatchNorm2d(width, momentum=0.1, eps=1e-4))
            layers.append(nn.ReLU(inplace=True))
        self.model = nn.Sequential(*layers, _conv(width, config.channels))

    def forward(self, x: Tensor, sigma: float | Tensor | None = None) -> Tensor:
        """``x: [B, C, H, W]`` -> the same shape. ``sigma``, in the units of x, is used only with ``noise_input``."""
        found = self.model(with_noise_map(self, x, sigma))
        return x - found if self.config.residual else found


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

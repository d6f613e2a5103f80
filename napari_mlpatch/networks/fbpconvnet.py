"""FBPConvNet: a U-Net on the quick picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .quick_picture import quick_picture
from .unet import UNet, UNetConfig

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("fbpconvnet", title="FBPConvNet (U-Net on the quick picture)")
@dataclass(frozen=True, config=CONFIG)
class FBPConvNetConfig(Architecture):
    """``x + U(x)`` with a U-Net U and the quick picture ``x = A.pinv(y)`` (Jin et al. 2017).

    Width 64, depth 4 without batch normalisation is the U-Net of Adler & Öktem's comparison: 31,030,593 weights and
    biases for one channel. Jin's own has a third convolution on the finest level.
    """

    channels: Annotated[Literal[1, 2, 3], Field(description="channels of the picture, complex ones count twice")] = 1
    width: Annotated[int, Field(ge=1, le=512, description="channels of the finest level")] = 32
    depth: Annotated[int, Field(ge=1, le=6, description="coarser levels, each of twice the width")] = 4
    batch_norm: Annotated[bool, Field(description="batch normalisation after the convolutions")] = True

    method: ClassVar = "unet"
    start: ClassVar = {"width": 16, "depth": 3}

    def build(self) -> FBPConvNet:
        return FBPConvNet(self)


class FBPConvNet(Reconstructor):
    """One picture: the quick one, corrected by a residual U-Net. Complex pictures as two channels, any size.

    Jin, McCann, Froustey & Unser, Deep convolutional neural network for inverse problems in imaging, IEEE TIP 2017.
    """

    def __init__(self, config: FBPConvNetConfig | None = None):
        super().__init__()
        self.config = config = config or FBPConvNetConfig()
        self.unet = UNet(
            UNetConfig(
                channels=config.channels,
                width=config.width,
                depth=config.depth,
                batch_norm=config.batch_norm,
                residual=True,
            )
        )

    starts_from_picture = True

    def iterates(self, y: Tensor, A: Operator, start: Tensor | None = None) -> Iterator[Tensor]:
        x = quick_picture(y, A) if start is None else start
        yield from_channels(self.unet(to_channels(x)), x)

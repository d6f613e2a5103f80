"""Learned gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .quick_picture import quick_picture
from .unrolled import has_complex_pictures, laplacian, three_convolutions

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

GRADIENTS = {"none": 0, "data": 1, "both": 2}


@architectures.register("lgd", title="Learned gradient descent")
@dataclass(frozen=True, config=CONFIG)
class LGDConfig(Architecture):
    """Iterations, memory and width; the defaults are the published network, with 13,318 parameters."""

    channels: Annotated[
        int, Field(ge=1, le=64, description="channels of the picture; a complex one has two for each")
    ] = 1
    gradients: Annotated[
        Literal["none", "data", "both"],
        Field(description="what the network is told beside the picture: gradients of the misfit, of the smoothness"),
    ] = "both"
    iterations: Annotated[int, Field(ge=1, le=1000, description="iterations, all with the same network")] = 10
    memory: Annotated[int, Field(ge=0, le=64, description="channels that are carried along")] = 5
    width: Annotated[int, Field(ge=1, le=512, description="channels between the convolutions")] = 32

    method: ClassVar = "unrolled"
    start: ClassVar = {"iterations": 5, "width": 16}
    start_images: ClassVar = 2

    def build(self) -> LGD:
        return LGD(self)


class LGD(Reconstructor):
    """``f ← f + Δf, s ← ReLU(Δs)`` with ``(Δf, Δs) = network(f, Aᵀ(A f - y), ∇ᵀ∇ f, s)``, from the quick picture.

    One network for all iterations: three convolutions 3x3 with ReLU between them; s are ``memory`` channels, zero at
    first. Adler & Öktem, Solving ill-posed inverse problems using iterative deep neural networks, Inverse Problems 33,
    2017, where the two gradients are also left out. Complex pictures are real and imaginary parts as channels.
    """

    def __init__(self, config: LGDConfig | None = None):
        super().__init__()
        self.config = config = config or LGDConfig()
        self.iterations = config.iterations
        inputs = config.channels * (1 + GRADIENTS[config.gradients]) + config.memory
        relu = partial(nn.ReLU, inplace=True)
        self.update = three_convolutions(inputs, config.width, config.channels + config.memory, relu)
        for module in self.update:
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_normal_(module.weight)
                nn.init.constant_(module.bias, 0.01)  # type: ignore[arg-type]

    starts_from_picture = True

    def iterates(self, y: Tensor, A: Operator, start: Tensor | None = None) -> Iterator[Tensor]:
        """The picture after each iteration. Raises InputError where pictures have other channels."""
        is_complex = has_complex_pictures(y, A, self.config)
        told, C = GRADIENTS[self.config.gradients], self.config.channels
        f = to_channels(quick_picture(y, A) if start is None else start)
        s = f.new_zeros(len(f), self.config.memory, *f.shape[2:])
        projected = to_channels(A.T(y)) if told else None
        for _ in range(self.iterations):
            inputs = [f]
            if projected is not None:
                inputs.append(to_channels(A.normal(from_channels(f, is_complex))) - projected)
            if told > 1:
                inputs.append(laplacian(f))
            step, s = self.update(torch.cat([*inputs, s], 1)).split([C, self.config.memory], 1)
            f, s = f + step, s.relu()
            yield from_channels(f, is_complex)

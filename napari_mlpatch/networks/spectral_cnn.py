"""A denoiser that is a contraction: what fixed points are made with."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture

Depth = Annotated[int, Field(ge=2, le=64, description="convolutions")]
Width = Annotated[int, Field(ge=2, le=1024, multiple_of=2, description="channels between them")]
Lipschitz = Annotated[
    float,
    Field(gt=0, le=1, description="how far two pictures may be from each other after the inner network, at most"),
]
SMALL = 0.003


@architectures.register("spectral-cnn", title="Contractive CNN")
@dataclass(frozen=True, config=CONFIG)
class SpectralCNNConfig(Architecture):
    """A CNN without batch normalisation that never moves two pictures apart, whatever its weights."""

    channels: Annotated[int, Field(ge=1, le=64, description="channels of the image")] = 1
    depth: Depth = 5
    width: Width = 32
    lipschitz: Lipschitz = 0.99

    start: ClassVar = {"depth": 5, "width": 32}

    def build(self) -> SpectralCNN:
        return SpectralCNN(self)


class SpectralCNN(nn.Module):
    """``D(x) = (x + Q(x)) / 2`` with Q of Lipschitz constant ``lipschitz``, so that D has ``(1 + lipschitz) / 2``.

    With a constant of 1, D is firmly nonexpansive, as proximal maps are; below, it is a contraction as well. Q is a CNN
    of convolutions 3x3 of norm 1 at most (``Orthogonal``) with the larger and the smaller of two channels (MaxMin)
    between them. Ryu et al., Plug-and-play methods provably converge, ICML 2019; Pesquet, Repetti, Terris & Wiaux,
    Learning maximally monotone operators, SIAM J. Imaging Sci. 14, 2021; Anil, Lucas & Grosse, Sorting out Lipschitz
    function approximation, ICML 2019.
    """

    def __init__(self, config: SpectralCNNConfig | None = None):
        super().__init__()
        self.config = config = config or SpectralCNNConfig()
        widths = [config.channels, *[config.width] * (config.depth - 1), config.channels]
        self.layers = nn.ModuleList(Orthogonal(m, n) for m, n in pairwise(widths))
        self._begin_as_identity()

    @property
    def lipschitz(self) -> float:
        """D brings two pictures to this share of their distance, at most."""
        return (1.0 + self.config.lipschitz) / 2.0

    @torch.no_grad()
    def _begin_as_identity(self) -> None:
        """Kernels of one pixel with which Q changes nothing: pairs of channels are equal, sorting leaves them so.

        What is added to them makes a beginning and must be small, as the bound counts every tap.
        """
        width = self.config.width
        half = nn.init.orthogonal_(torch.empty(width // 2, self.config.channels)) / math.sqrt(2.0)
        ends = torch.cat([half, half])
        first, *inner, last = self.layers
        for layer, centre in [(first, ends), *((layer, torch.eye(width)) for layer in inner), (last, ends.T)]:
            nn.init.normal_(layer.weight, std=SMALL / width)  # type: ignore[arg-type]
            layer.weight[:, :, 1, 1] += centre  # type: ignore[index]
            layer.bias.zero_()  # type: ignore[operator]

    def forward(self, x: Tensor, sigma: float | Tensor | None = None) -> Tensor:
        """``x: [B, C, H, W]`` -> the same shape. It is blind: ``sigma`` is not used."""
        return self.with_kernels(x, self.kernels())

    def kernels(self) -> list[Tensor]:
        """The convolutions' kernels as they are applied: made once for many iterations."""
        return [layer.kernel() for layer in self.layers]  # type: ignore[operator]

    def with_kernels(self, x: Tensor, kernels: list[Tensor]) -> Tensor:
        z = x
        for i, (layer, kernel) in enumerate(zip(self.layers, kernels, strict=True)):
            z = layer(larger_and_smaller(z) if i else z, kernel)
        return 0.5 * x + (0.5 * self.config.lipschitz) * z.to(x.dtype)


class Orthogonal(nn.Conv2d):
    """A convolution 3x3, zero beyond the edges, of norm at most 1 for pictures of any size: with ``kernel()``.

    Input channel i of the weights K is divided by ``sqrt(sum_j sum_d |(K * K)_ij(d)|)``, K * K their correlation with
    themselves. That makes ``D⁻² - KᵀK`` diagonally dominant, hence ``‖K D‖ <= 1``. It is tight for orthogonal kernels.
    Prach & Lampert, Almost-orthogonal layers for efficient general-purpose Lipschitz networks, ECCV 2022.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, padding=1)

    def kernel(self) -> Tensor:
        """``[outputs, inputs, 3, 3]``, as it is applied."""
        with torch.autocast(self.weight.device.type, enabled=False):
            swapped = self.weight.transpose(0, 1)
            overlap = F.conv2d(swapped, swapped, padding=2).abs().sum((1, 2, 3))
            return self.weight * overlap.clamp(min=1e-12).rsqrt()[:, None, None]

    def forward(self, x: Tensor, kernel: Tensor) -> Tensor:  # type: ignore[override]
        return self._conv_forward(x, kernel, self.bias)


def larger_and_smaller(x: Tensor) -> Tensor:
    """Pairs of channels, sorted: it keeps lengths and, unlike ReLU, loses nothing."""
    a, b = x.chunk(2, dim=1)
    return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=1)

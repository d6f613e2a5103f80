"""The random ellipses on which learned gradient descent and learned primal-dual were trained, drawn on the device."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import sources

from ..pictures import Pictures, parts_of
from .source import Source

HELD_OUT_SEED = 2**31
MEAN_COUNT = {"lgd": 100, "lpd": 50}
AT_ONCE = 2**20
"""Ellipses times rows in one go: 0.1 GB of them."""
UNIT = 2.0**-40
"""Images are sums of multiples of this."""


@sources.register("adler-ellipses", title="Drawn anew each step: random ellipses (Adler & Öktem)")
@dataclass(frozen=True, config=CONFIG)
class AdlerEllipses(Source):
    """Sums of random ellipses, fresh ones for each step, drawn on the training's device; values are not clipped.

    The image spans -1..1 in both directions, from the centre of the first pixel to that of the last. With U uniform in
    0..1, E exponential with mean 1 and angles uniform in 0..2π, an image has

    - "lpd" (Adler & Öktem, IEEE Trans. Med. Imaging 37, 2018): Poisson(50) ellipses of value (U - 0.5) · 0.4 E, half
      axes 0.2 E and centres 2 U - 1;
    - "lgd" (Adler & Öktem, Inverse Problems 33, 2017): Poisson(100) ellipses of value (U - 0.3) · 0.3 E, half axes
      0.2 E and centres U - 0.5.

    The number is cut off six standard deviations above its mean. The images held out are drawn once, from a seed of
    their own.
    """

    generator: Annotated[Literal["lpd", "lgd"], Field(description="which of the two published distributions")] = "lpd"
    size: Annotated[int, Field(ge=16, le=2048, description="rows and columns of an image")] = 128
    hold_out: Annotated[int, Field(ge=0, le=10_000, description="so many images are for validation only")] = 32

    def open(self, root: Path, device: torch.device) -> tuple[Fresh, Pictures | None]:
        reserve(8 * self.hold_out * self.size**2, f"{self.hold_out} images to hold out", "Hold out fewer.")
        held = None
        if self.hold_out:
            random = torch.Generator().manual_seed(HELD_OUT_SEED)
            images = draw(self.generator, self.hold_out, self.size, random).numpy()
            held = Pictures(list(np.ascontiguousarray(images)), device)
        return Fresh(self.generator, self.size, device), held

    @property
    def words(self) -> str:
        return f"random ellipses ({self.generator}) on {self.size} x {self.size} pixels, drawn anew for each step"


class Fresh:
    """Images that are drawn when they are asked for, on the training's device."""

    channels = 1

    def __init__(self, generator: str, size: int, device: torch.device):
        self.generator, self.smallest, self.device = generator, size, device

    def crops(self, images: int, size: int | tuple[int, int], random: torch.Generator) -> Tensor:
        """Of fresh images ``[images, 1, *size]``; whole ones where the size is theirs."""
        return parts_of(self._draw(images, random), 1, size, random)

    def neighbourhoods(self, images: int, pixels: int, radius: int, random: torch.Generator) -> Tensor:
        """Of fresh images: ``[images · pixels, 1, n, n]``, n = 2 radius + 1."""
        return parts_of(self._draw(images, random), pixels, 2 * radius + 1, random)

    def _draw(self, images: int, random: torch.Generator) -> Tensor:
        if random.device.type == "cpu":
            values = images * (self.smallest**2 + 16 * MEAN_COUNT[self.generator])
            reserve(28 * values + 100 * AT_ONCE, "A step of the training", "Lower images.")
        return draw(self.generator, images, self.smallest, random)


def draw(generator: str, count: int, size: int, random: torch.Generator) -> Tensor:
    """``[count, 1, size, size]``, float32, on the device of ``random``."""
    value, axes, centres, angle = ellipses(generator, count, random)
    each = max(1, AT_ONCE // (value.shape[1] * size))
    starts = range(0, count, each)
    return torch.cat(
        [
            rasterised(value[k : k + each], axes[k : k + each], centres[k : k + each], angle[k : k + each], size)
            for k in starts
        ]
    )


def ellipses(generator: str, count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Values ``[count, N]`` (0 beyond an image's number), half axes and centres ``[count, N, 2]``, angles."""
    mean, device = MEAN_COUNT[generator], random.device
    most = mean + math.ceil(6 * math.sqrt(mean))
    number = torch.poisson(torch.full((count, 1), float(mean), device=device), generator=random)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, most, *shape, generator=random, device=device)

    def exponential(*shape: int) -> Tensor:
        return -torch.log1p(-uniform(*shape))  # of 1 - U, which is never 0

    if generator == "lgd":
        value, centres = (uniform() - 0.3) * 0.3 * exponential(), uniform(2) - 0.5
    else:
        value, centres = (uniform() - 0.5) * 0.4 * exponential(), 2 * uniform(2) - 1
    value = torch.where(torch.arange(most, device=device) < number, value, 0.0)
    return value, 0.2 * exponential(2), centres, 2 * math.pi * uniform()


def rasterised(value: Tensor, axes: Tensor, centres: Tensor, angle: Tensor, size: int) -> Tensor:
    """The sum of ``value`` over the ellipses ``(u / a)² + (v / b)² <= 1`` in which a pixel's centre lies.

    ``value`` and ``angle`` are ``[B, N]``, half axes and centres ``[B, N, 2]``, the first along the rows' direction
    (x, over the columns) where the angle is 0. ``[B, 1, size, size]``.

    In each row an ellipse is a span of columns, ``|α (x - cx) + β (y - cy)| <= sqrt(α - ((y - cy) / (a b))²)`` with
    ``α = (cos / a)² + (sin / b)²``, ``β = sin cos (1 / a² - 1 / b²)``, found in double precision. Its value is written
    at the span's ends, and the running sum of a row is the image: of integers, whose order does not matter.
    """
    a, b = axes.double().clamp(min=1e-12).unbind(-1)
    cos, sin = angle.double().cos(), angle.double().sin()
    alpha, beta = (cos / a).square() + (sin / b).square(), sin * cos * (1 / a.square() - 1 / b.square())
    cx, cy = centres.double().unbind(-1)
    dy = torch.linspace(-1, 1, size, dtype=torch.float64, device=value.device) - cy[..., None]  # [B, N, rows]
    square = alpha[..., None] - (dy / (a * b)[..., None]).square()
    half = square.clamp(min=0).sqrt()
    ends = [(cx[..., None] + (sign * half - beta[..., None] * dy) / alpha[..., None] + 1) for sign in (-1, 1)]
    first, last = (end * ((size - 1) / 2) for end in ends)
    left, beyond = first.ceil().clamp(0, size).long(), (last.floor() + 1).clamp(0, size).long()
    amount = torch.where(square >= 0, (value.double() / UNIT).round()[..., None], 0.0).long()
    row = torch.arange(len(value) * size, device=value.device).view(-1, 1, size) * (size + 1)
    image = amount.new_zeros(len(value) * size * (size + 1))
    image.index_add_(0, (row + left).flatten(), amount.flatten())
    image.index_add_(0, (row + beyond).flatten(), -amount.flatten())
    image = image.view(len(value), 1, size, size + 1).cumsum(-1)[..., :-1]
    return (image.double() * UNIT).to(value.dtype)

"""Denoisers for plug-and-play methods: ``denoise(x, sigma)`` takes white noise of standard deviation sigma off x."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .core.errors import InputError
from .solvers.tv_prox import tv_prox

Name = Literal["network", "tv", "nl-means"]
Denoise = Callable[[Tensor, float], Tensor]

TV_WEIGHT = 0.9
"""The weight of total variation, in standard deviations of the noise, that serves photographs and CT slices best."""


def denoiser(name: Name, network: Any = None, device: torch.device | str = "cpu") -> Denoise:
    """The denoiser of that name. Only "network" needs ``network``: ``Weights``, or a module called with (x, sigma).

    Raises InputError where it is missing.
    """
    if name == "tv":
        return total_variation
    if name == "nl-means":
        return nonlocal_means
    if network is None:
        raise InputError(
            "This method needs trained weights of a denoiser. Choose weights, or another denoiser: tv or nl-means."
        )
    if callable(network):
        return cast(Denoise, network)
    made = network.card.architecture
    from . import networks  # needs PyTorch at once

    module = networks.from_tensors(made.name, made.params, network.tensors).to(device)
    return lambda x, sigma: module(x, sigma)


def total_variation(x: Tensor, sigma: float) -> Tensor:
    """Rudin, Osher & Fatemi (1992), with a weight in proportion to the noise."""
    return tv_prox(x, TV_WEIGHT * sigma)


def nonlocal_means(x: Tensor, sigma: float) -> Tensor:
    """Buades, Coll & Morel (2005), by scikit-image, on the CPU."""
    from skimage.restoration import denoise_nl_means

    def one(image: np.ndarray) -> np.ndarray:
        return denoise_nl_means(image, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True)

    images = x.detach().cpu().numpy()
    cleaned = np.stack([np.stack([one(channel) for channel in image]) for image in images])
    return torch.from_numpy(cleaned).to(x)


@dataclass(frozen=True)
class Scaled:
    """A denoiser for images in [0, 1], used on images whose values lie between ``low`` and ``high``.

    Complex images are denoised in their real and imaginary parts, which then lie between ``-high`` and ``high``.
    """

    denoise: Denoise
    low: float
    high: float

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if x.is_complex():
            size = max(abs(self.low), abs(self.high))
            parts = torch.cat([x.real, x.imag]) / (2.0 * size) + 0.5
            real, imaginary = ((self._run(parts, sigma / (2.0 * size)) - 0.5) * (2.0 * size)).chunk(2)
            return torch.complex(real, imaginary)
        span = self.high - self.low
        return self._run((x - self.low) / span, sigma / span) * span + self.low

    def _run(self, x: Tensor, sigma: float) -> Tensor:
        return self.denoise(x.to(torch.float32), sigma).to(x.dtype)


def transformed(denoise: Denoise, x: Tensor, sigma: float, turn: int) -> Tensor:
    """The denoiser in another pose: x is mirrored, turned by right angles and shifted, and the result turned back.

    A different ``turn`` in every iteration averages out what the denoiser does to one orientation only (Terris et al.,
    Equivariant plug-and-play image reconstruction, CVPR 2024).
    """
    quarter, mirror = turn % 4, turn // 4 % 2
    shift = (turn * 7 % 16, turn * 13 % 16)
    moved = torch.roll(x.flip(-1) if mirror else x, shift, (-2, -1))
    turned = denoise(torch.rot90(moved, quarter, (-2, -1)).contiguous(), sigma)
    back = torch.roll(torch.rot90(turned, -quarter, (-2, -1)), (-shift[0], -shift[1]), (-2, -1))
    return back.flip(-1) if mirror else back

"""Denoisers for plug-and-play methods: ``denoise(x, sigma)`` takes white noise of standard deviation sigma off x."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .core.errors import InputError
from .solvers.tv_prox import tv_prox

Name = Literal["network", "tv", "wavelets", "nl-means"]
Precision = Literal["float32", "bfloat16"]
Denoise = Callable[[Tensor, float], Tensor]

TV_WEIGHT = 0.9
"""The weight of total variation, in standard deviations of the noise, that serves photographs and CT slices best."""


def denoiser(
    name: Name, network: Any = None, device: torch.device | str = "cpu", precision: Precision = "float32"
) -> Denoise:
    """The denoiser of that name. Only "network" needs ``network``: ``Weights``, or a module called with (x, sigma).

    ``precision`` is that of its perceptrons and convolutions. Warns once where its first noise level is above those
    that ``Weights`` were trained with. Raises InputError where the network is missing, and for bfloat16 on a device
    that computes it in software.
    """
    if name == "tv":
        return total_variation
    if name == "wavelets":
        return wavelets
    if name == "nl-means":
        return nonlocal_means
    if network is None:
        raise InputError(
            "This method needs trained weights of a denoiser. Choose weights (`mlpatch weights list` shows them), or "
            "another denoiser: tv, wavelets or nl-means."
        )
    if callable(network):
        return cast(Denoise, network)
    made = network.card.architecture
    from . import networks  # needs PyTorch at once

    module = networks.from_tensors(made.name, made.params, network.tensors).to(device)
    if precision == "float32":
        return _warning(lambda x, sigma: module(x, sigma), network.card)
    kind = torch.device(device).type
    if not has_bfloat16(kind):
        raise InputError("This machine computes bfloat16 in software, which takes many times as long. Use float32.")

    def rough(x: Tensor, sigma: float) -> Tensor:
        with torch.autocast(kind, torch.bfloat16):
            return module(x, sigma).to(x.dtype)

    return _warning(rough, network.card)


def _warning(denoise: Denoise, card: Any) -> Denoise:
    levels = card.noise.params.get("sigma") if card.noise is not None else None
    if not isinstance(levels, list):
        return denoise
    first = True

    def warned(x: Tensor, sigma: float) -> Tensor:
        nonlocal first
        if first and sigma > 1.01 * levels[1]:
            warnings.warn(
                f"The noise level {sigma:.3g} (1 is the picture's range) is above those that the weights {card.name!r} "
                f"were trained with, {levels[0]:g} to {levels[1]:g}: the result may be poor. Lower it, or use others.",
                stacklevel=2,
            )
        first = False
        return denoise(x, sigma)

    return warned


def has_bfloat16(kind: str) -> bool:
    """Whether devices of this kind ("cpu", "cuda") have arithmetic for bfloat16."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:  # not Linux
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def total_variation(x: Tensor, sigma: float) -> Tensor:
    """Rudin, Osher & Fatemi (1992), with a weight in proportion to the noise."""
    return tv_prox(x, TV_WEIGHT * sigma)


def wavelets(x: Tensor, sigma: float) -> Tensor:
    """BayesShrink (Chang, Yu & Vetterli 2000), averaged over 16 shifts, by scikit-image, on the CPU."""
    from skimage.restoration import cycle_spin, denoise_wavelet

    options = {"sigma": sigma, "wavelet": "sym4", "method": "BayesShrink", "rescale_sigma": False}

    def one(image: np.ndarray) -> np.ndarray:
        return cycle_spin(image, denoise_wavelet, max_shifts=3, func_kw=options)

    return _each(one, x)


def nonlocal_means(x: Tensor, sigma: float) -> Tensor:
    """Buades, Coll & Morel (2005), by scikit-image, on the CPU."""
    from skimage.restoration import denoise_nl_means

    def one(image: np.ndarray) -> np.ndarray:
        return denoise_nl_means(image, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True)

    return _each(one, x)


def _each(one: Callable[[np.ndarray], np.ndarray], x: Tensor) -> Tensor:
    """A function of an image ``[rows, columns]``, applied to each channel of ``[B, C, rows, columns]``."""
    images = x.detach().cpu().numpy()
    return torch.from_numpy(np.stack([np.stack([one(channel) for channel in image]) for image in images])).to(x)


@dataclass(frozen=True)
class Scaled:
    """A denoiser for images in [0, 1], used on images whose values lie between ``low`` and ``high``.

    Complex images are denoised in their real and imaginary parts, which then lie between ``-high`` and ``high``. Their
    sigma is that of the whole, as in the noise of complex data: each part has ``sigma / sqrt(2)``.
    """

    denoise: Denoise
    low: float
    high: float

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if x.is_complex():
            size = max(abs(self.low), abs(self.high))
            parts = torch.cat([x.real, x.imag]) / (2.0 * size) + 0.5
            real, imaginary = ((self._run(parts, sigma / math.sqrt(2.0) / (2.0 * size)) - 0.5) * (2.0 * size)).chunk(2)
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

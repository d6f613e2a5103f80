"""What a denoiser is: ``denoise(x, sigma)`` takes white noise of standard deviation sigma off x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor, torch

Precision = Literal["auto", "float32", "bfloat16"]
Denoise = Callable[[Tensor, Any], Tensor]
"""Called with images and the standard deviation of their noise: one number for all, or ``[B]`` float64 on the CPU."""


class Denoiser:
    """Base of all denoisers: a frozen pydantic dataclass under ``@denoisers.register``.

    ``x`` is ``[B, C, rows, columns]``, float32, with values in about [0, 1]; ``sigma`` the standard deviation of its
    noise in the same units, one number for all or ``[B]``. The result has the shape and type of x. A subclass defines
    ``__call__``, or ``opened`` where it must first be made ready.
    """

    name: str
    title: str

    needs_network: ClassVar[bool] = False
    """Whether it works only with trained weights."""
    draws: ClassVar[bool] = True
    """Whether it may draw from PyTorch's global random numbers, see ``Method.draws``."""

    def opened(self, network: Any, device: torch.device | str, precision: Precision) -> Denoise:
        """What denoises on this device. ``network`` are trained weights, or None; most have no use for them."""
        return self

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        raise NotImplementedError


def each_channel(one: Callable[[np.ndarray, float], np.ndarray], x: Tensor, sigma: float | Tensor, name: str) -> Tensor:
    """A function of an image ``[rows, columns]`` and its noise, applied to each channel of ``[B, C, rows, columns]``.

    On the CPU. Raises InputError for pictures of other than two axes, where ``name`` is that of the denoiser.
    """
    if x.ndim != 4:
        raise InputError(f"The denoiser {name!r} is for pictures of two axes, this one has {x.ndim - 2}: use tv.")
    images = x.detach().cpu().numpy()
    levels = torch.as_tensor(sigma, dtype=torch.float64).expand(len(x)).tolist()
    clean = [np.stack([one(channel, level) for channel in image]) for image, level in zip(images, levels, strict=True)]
    return torch.from_numpy(np.stack(clean)).to(x)

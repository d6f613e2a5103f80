"""What a denoiser is: ``denoise(x, sigma)`` takes white noise of standard deviation sigma off x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

Precision = Literal["float32", "bfloat16"]
Denoise = Callable[[Tensor, float], Tensor]


class Denoiser:
    """Base of all denoisers: a frozen pydantic dataclass under ``@denoisers.register``.

    ``x`` is ``[B, C, rows, columns]``, float32, with values in about [0, 1]; ``sigma`` the standard deviation of its
    noise in the same units. The result has the shape and type of x. A subclass defines ``__call__``, or ``opened``
    where it must first be made ready.
    """

    name: str
    title: str

    needs_network: ClassVar[bool] = False
    """Whether it works only with trained weights."""

    def opened(self, network: Any, device: torch.device | str, precision: Precision) -> Denoise:
        """What denoises on this device. ``network`` are trained weights, or None; most have no use for them."""
        return self

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        raise NotImplementedError


def each_channel(one: Callable[[np.ndarray], np.ndarray], x: Tensor) -> Tensor:
    """A function of an image ``[rows, columns]``, applied to each channel of ``[B, C, rows, columns]``, on the CPU."""
    images = x.detach().cpu().numpy()
    return torch.from_numpy(np.stack([np.stack([one(channel) for channel in image]) for image in images])).to(x)

"""Denoisers for plug-and-play methods. One file is one; each is a frozen pydantic dataclass under a decorator."""

from __future__ import annotations

from typing import Annotated, Any

from napari_mlpatch.core.declare import Registered
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.torch_later import torch

from .base import Denoise, Denoiser, Precision
from .poses import transformed
from .precision import has_bfloat16, settled
from .units import Scaled

__all__ = ["Denoise", "Denoiser", "Name", "Precision", "Scaled", "denoiser", "has_bfloat16", "settled", "transformed"]

Name = Annotated[str, Registered(denoisers)]
"""The name of a registered denoiser, as a parameter."""


def denoiser(
    name: str, network: Any = None, device: torch.device | str = "cpu", precision: Precision = "float32"
) -> Denoise:
    """The denoiser of that name, ready for images on this device. Those that learned need ``network``: ``Weights``, or
    a module called with (x, sigma). ``precision`` is that of its perceptrons and convolutions.

    Raises InputError for unknown names, and where the denoiser cannot work: see ``Network.opened``.
    """
    return denoisers.get(name)().opened(network, device, precision)

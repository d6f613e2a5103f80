"""Reconstruction methods. One file is one method; each is a frozen pydantic dataclass under a decorator."""

from __future__ import annotations

from typing import Any

from napari_mlpatch.core.registry import methods

from .direct import Direct
from .equilibrium import DeepEquilibrium
from .fbp import FBP
from .pnp_admm import PnPADMM
from .pnp_hqs import PnPHQS
from .pnp_pgm import PnPPGM
from .reuse import ReuseAndRegularise
from .tikhonov import Tikhonov
from .tv import TV
from .unet import UNet
from .unrolled import Unrolled

__all__ = [
    "FBP",
    "TV",
    "DeepEquilibrium",
    "Direct",
    "PnPADMM",
    "PnPHQS",
    "PnPPGM",
    "ReuseAndRegularise",
    "Tikhonov",
    "UNet",
    "Unrolled",
]


def __getattr__(name: str) -> Any:
    """The method class of that name that another package registered."""
    if not name.startswith("_"):
        for cls in methods:
            if cls.__name__ == name:
                return cls
    raise AttributeError(f"there is no method {name!r}; known: {', '.join(cls.__name__ for cls in methods)}")

"""A U-Net on the quick picture."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import methods

from .learned import Learned


@methods.register("unet", title="FBP + U-Net (FBPConvNet)")
@dataclass(frozen=True, config=CONFIG)
class UNet(Learned):
    """``x + U(x)`` with the quick picture ``x = A.pinv(y)`` and a U-Net trained for this operator (Jin et al. 2017)."""

    iterative = False

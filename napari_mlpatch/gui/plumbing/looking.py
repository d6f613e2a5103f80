"""What the patch microscope looks at, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from napari.layers import Image, Layer


@dataclass(frozen=True, eq=False)
class Looking:
    """``picture`` gives the layer's values as the network takes them, ``network`` opens it; both off the GUI thread."""

    layer: Image
    picture: Callable[[], np.ndarray]
    network: Callable[[], Any]
    sigma: float


def is_flat(layer: Layer | None) -> TypeGuard[Image]:
    """Whether it is a real picture that is on show and not turned: pixels lie along its rows and columns."""
    return (
        isinstance(layer, Image)
        and layer.visible
        and not (layer.rgb or layer.multiscale)
        and layer.data.ndim == 2
        and layer.data.dtype.kind != "c"
        and np.allclose(layer.rotate, np.eye(2))
        and not np.any(layer.shear)
        and np.allclose(layer.affine.affine_matrix, np.eye(3))
    )

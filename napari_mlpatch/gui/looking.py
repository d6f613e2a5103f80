"""What the patch microscope looks at, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image


@dataclass(frozen=True, eq=False)
class Looking:
    """``picture`` gives the layer's values as the network takes them, ``network`` opens it; both off the GUI thread."""

    layer: Image
    picture: Callable[[], np.ndarray]
    network: Callable[[], Any]
    sigma: float

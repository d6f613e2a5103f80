"""Parallel rows between a fan beam's image and its rays, filtered; and rows of rays moved along the detector."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from napari_mlpatch.torch_later import Tensor

from .filters import row_filter
from .nufft import next_fast

if TYPE_CHECKING:
    from .fan_beam import FanBeam


class FilteredRays:
    """A fan beam whose parallel rows are filtered, by a symmetric filter: a linear map and its exact transpose."""

    def __init__(self, fan: FanBeam, symmetric: Callable[[Tensor], Tensor]):
        self._fan, self._filter = fan, symmetric

    def _apply(self, x: Tensor) -> Tensor:
        return self._fan._apply(x, self._filter)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._fan._adjoint(y, self._filter)


def moved(y: Tensor, bins: float) -> Tensor:
    """Rows read at ``bins`` to the right, zero beyond their ends."""
    n = y.shape[-1]
    size = next_fast(2 * n)
    return row_filter(np.exp(2j * math.pi * bins * np.fft.rfftfreq(size)), size, y)(y)[..., :n]

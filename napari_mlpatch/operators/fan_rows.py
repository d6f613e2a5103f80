"""Parallel rows between a fan beam's image and its rays, filtered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_mlpatch.torch_later import Tensor

if TYPE_CHECKING:
    from .fan_beam import FanBeam


class FilteredRays:
    """A fan beam whose parallel rows are filtered, by a symmetric filter: a linear map and its exact transpose.

    ``once``: by tables that are made for one picture.
    """

    def __init__(self, fan: FanBeam, symmetric: Callable[[Tensor], Tensor], once: bool = False):
        self._fan, self._filter = fan, symmetric
        self._rays = fan._rays_once if once else fan._rays

    def _apply(self, x: Tensor) -> Tensor:
        return self._fan._projected(x, self._rays(x), self._filter)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._fan._spread(y, self._rays(y), self._filter)

"""Narrow stripes of single detector bins, which become rings."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.io.build.rings import remove_stripes

from .step import Geometry, Step


@care_steps.register("rings", title="Rings")
@dataclass(frozen=True, config=CONFIG)
class Rings(Step):
    """Stripes narrower than half of ``width`` bins are taken off by sorting: see ``remove_stripes``.

    Algorithm 3 of Vo, Atwood & Drakopoulos, Opt. Express 26, 28396 (2018).
    """

    width: Annotated[int, Field(ge=3, description="window of the median", json_schema_extra={"unit": "bins"})] = 21

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        return np.stack([remove_stripes(y, self.width) for y in block]), geometry

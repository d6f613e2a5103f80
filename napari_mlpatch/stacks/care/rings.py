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
    """Stripes narrower than half of ``width`` bins are taken off by sorting.

    The values of each bin are sorted, the sorted ones smoothed across the bins by a median, and put back where they
    were: what keeps to one bin at all angles goes, what wanders as the object turns stays.

    Equation:
        y(·, s) ← unsort_s [ median_s' sort y(·, s') ],   s' over `width` bins around s

    When to use it:
        Thin rings around the axis. Last of the steps against stripes: ``dead-stripes``, ``large-stripes``, ``rings``.

    References:
        - N. T. Vo, R. C. Atwood & M. Drakopoulos, Superior techniques for eliminating ring artifacts in X-ray
          micro-tomography, Optics Express 26, 28396 (2018), algorithm 3. doi:10.1364/OE.26.028396
    """

    width: Annotated[int, Field(ge=3, description="window of the median", json_schema_extra={"unit": "bins"})] = 21

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        return np.stack([remove_stripes(y, self.width) for y in block]), geometry

"""An axis of rotation that leans in the plane of the detector, put upright."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import care_steps

from .step import Geometry, Step

MARGIN = 12
"""Rows after which a cubic spline has forgotten a value, to 1e-7."""
MOST_ROWS = 8192
"""Of a detector: its outermost rows come nearer to the middle by 1 - cos of the tilt."""


@care_steps.register("tilt", title="Tilt of the axis")
@dataclass(frozen=True, config=CONFIG)
class Tilt(Step):
    """Each projection is turned about the middle of the detector so that the axis of rotation runs along its columns.

    The tilt is the slope of the centre with height, which ``find_leaning_axis`` measures: the centre moves by tan(tilt)
    bins a row. The recipe's centre is that of the upright data, at the middle row. Cubic splines.

    Equation:
        p(r, s) ← p(m + R (r - m, s - n)ᵀ),   R = (cos φ  -sin φ; sin φ  cos φ)
        m, n: middle row and bin; c(r) = c₀ + (r - m) tan φ before, c₀ after, where n is near c₀

    When to use it:
        The centre is linear in height and moves by more than a bin over the stack, or the tilt times half of the
        detector's width is more than a row. A tilt along the beam is another thing, which this does not mend.

    References:
        - N. T. Vo, M. Drakopoulos, R. C. Atwood & C. Reinhard, Reliable method for calculating the center of rotation
          in parallel-beam tomography, Optics Express 22, 19078 (2014). doi:10.1364/OE.22.019078
        - M. Unser, A. Aldroubi & M. Eden, B-spline signal processing, IEEE Transactions on Signal Processing 41, 821
          (1993). doi:10.1109/78.193220
    """

    domain: ClassVar[Literal["sinograms", "projections"]] = "projections"

    degrees: Annotated[
        float,
        Field(
            ge=-5,
            le=5,
            description="tilt: by its tangent the centre moves from row to row",
            json_schema_extra={"unit": "deg"},
        ),
    ]
    bins: Annotated[
        int,
        Field(ge=2, le=65536, description="width of the detector, which decides how many rows around a slice are read"),
    ] = 2048

    @property
    def halo(self) -> int:
        angle = math.radians(abs(self.degrees))
        if angle == 0:
            return 0
        return math.ceil(math.sin(angle) * self.bins / 2 + (1 - math.cos(angle)) * MOST_ROWS / 2) + MARGIN

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        from scipy.ndimage import affine_transform

        bins = block.shape[-1]
        if self.degrees == 0:
            return block, geometry
        if bins > self.bins:
            raise InputError(f"The tilt is declared for {self.bins} bins, the detector has {bins}. Give bins={bins}.")
        angle = math.radians(self.degrees)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        middle = np.array([(geometry.count - 1) / 2 - geometry.first, (bins - 1) / 2])
        offset: Any = middle - turn @ middle
        out = np.empty_like(block)
        for view in range(block.shape[1]):
            out[:, view] = affine_transform(block[:, view], turn, offset, order=3, mode="nearest")
        return out, geometry

"""All slices moved so that they have one centre of rotation."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import care_steps

from .step import Geometry, Step

FARTHEST = 0.25
"""Share of the detector by which slices are moved at most: what leaves it is lost."""


@care_steps.register("align-center", title="Align centres")
@dataclass(frozen=True, config=CONFIG)
class AlignCenter(Step):
    """Each slice is moved along the detector so that its axis of rotation falls on the same bin.

    The centres are those of the recipe, one for each slice or linear in height. Afterwards one operator, with one set
    of tables, does for the whole stack. Parts of a bin are interpolated by a cubic spline.

    Equation:
        y(θ, s) ← y(θ, s + c(z) - c₀)

    When to use it:
        The centre drifts with height, and all slices shall be reconstructed alike. Where it drifts because the axis
        leans, ``tilt`` also puts back the rows, which matters from a few rows on: half the width times the tilt.

    References:
        - M. Unser, A. Aldroubi & M. Eden, B-spline signal processing, IEEE Transactions on Signal Processing 41, 821
          (1993). doi:10.1109/78.193220
    """

    to: Annotated[
        float | None,
        Field(
            ge=0,
            description="bin on which the axis falls afterwards",
            json_schema_extra={"unit": "bins", "none_means": "the detector's middle"},
        ),
    ] = None

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        from .moved import moved

        bins = block.shape[-1]
        if geometry.centers is None:
            raise InputError("The slices have no centres of rotation yet: give one, a line in height, or a list.")
        if self.to is not None and self.to > bins - 1:
            raise InputError(f"to = {self.to:g} is not on the detector, which has the bins 0 to {bins - 1}.")
        to = (bins - 1) / 2 if self.to is None else self.to
        by = to - np.asarray(geometry.centers, float)
        if np.abs(by).max() > FARTHEST * bins:
            raise InputError(
                f"Slices would move by {np.abs(by).max():.1f} of {bins} bins, and what leaves the detector is lost. "
                f"Give a bin near their centres, {np.mean(geometry.centers):.1f}, with to."
            )
        out = np.stack([moved(y, one) for y, one in zip(block, by.tolist(), strict=True)])
        return out, dataclasses.replace(geometry, centers=np.full(len(block), to))

"""Single samples that no object explains: zingers, hot and dead pixels."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.io.build.outliers import DEVIATIONS, find_outliers, replace_outliers

from .step import Geometry, Step


@care_steps.register("outliers", title="Outliers")
@dataclass(frozen=True, config=CONFIG)
class Outliers(Step):
    """Zingers, hot and dead pixels: samples far off their neighbours become the median of the good ones around.

    A sample is an outlier where it sticks out of the bins around it by far more than the noise, and where neither of
    the views next to it shows the like: the track of a bead goes on from view to view, a zinger does not.

    Equation:
        y(θ, s) ← median of the good samples among 3 views x 5 bins,
        where |y - median over 9 bins| > deviations σ(θ, s), in one view only

    When to use it:
        Bright dots or streaks right through the picture, from X-rays that hit the camera. First of all steps.

    References:
        - N. T. Vo, R. C. Atwood, M. Drakopoulos & T. Connolley, Data processing methods and data acquisition for
          samples larger than the field of view in parallel-beam tomography, Optics Express 29, 17849 (2021), on
          zingers. doi:10.1364/OE.418448
    """

    deviations: Annotated[
        float, Field(gt=0, description="standard deviations of the noise beyond which a sample is replaced")
    ] = DEVIATIONS

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        angles = geometry.angles_deg
        return np.stack([replace_outliers(y, find_outliers(y, angles, self.deviations)) for y in block]), geometry

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
    """Samples far off their neighbours become the median of the good ones around, see ``find_outliers``."""

    deviations: Annotated[
        float, Field(gt=0, description="standard deviations of the noise beyond which a sample is replaced")
    ] = DEVIATIONS

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        angles = geometry.angles_deg
        return np.stack([replace_outliers(y, find_outliers(y, angles, self.deviations)) for y in block]), geometry

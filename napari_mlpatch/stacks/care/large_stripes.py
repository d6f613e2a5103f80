"""Stripes many bins wide, and the offsets of all others."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.io.build.rings import check_width, median_across, sorted_bins

from .step import Geometry, Step
from .stripes import FLOOR, Size, Snr, find_stripes, with_neighbours


@care_steps.register("large-stripes", title="Large stripes")
@dataclass(frozen=True, config=CONFIG)
class LargeStripes(Step):
    """Wide stripes, as of a scratched scintillator or a changed gain, are replaced; each bin's offset is taken off.

    The values of each bin are sorted and smoothed across the bins. How far a bin's mean lies off the smoothed one, the
    largest and smallest values left out, is its offset. Bins whose offset stands out get the smoothed values, put back
    in the bin's own order; all others only lose their offset. The paper divides transmissions by the mean ratio; of
    line integrals, which are logarithms, this is the difference.

    Equation:
        d(s) = mean_θ [ sort y(·, s) - median_s' sort y(·, s') ]
        y(θ, s) ← y(θ, s) - d(s),  or the smoothed y(θ, s) where d(s) stands out

    When to use it:
        Wide or partial rings remain with ``rings``. In a chain it comes after ``dead-stripes`` and before ``rings``.
        Not for objects that themselves are rings around the axis: their circles are stripes, too.

    References:
        - N. T. Vo, R. C. Atwood & M. Drakopoulos, Superior techniques for eliminating ring artifacts in X-ray
          micro-tomography, Optics Express 26, 28396 (2018), algorithms 4 and 5. doi:10.1364/OE.26.028396
    """

    size: Size = 51
    snr: Snr = 3.0
    drop: Annotated[
        float, Field(ge=0, le=0.8, description="share of the largest and smallest values that the mean leaves out")
    ] = 0.1

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        return np.stack([without_large_stripes(y, self.size, self.snr, self.drop) for y in block]), geometry


def without_large_stripes(y: np.ndarray, size: int = 51, snr: float = 3.0, drop: float = 0.1) -> np.ndarray:
    """A sinogram ``[angles, bins]`` of line integrals without wide stripes and offsets: see ``LargeStripes``.

    Raises InputError for a window larger than the detector.
    """
    check_width(size, y.shape[1], "removing large stripes")
    ranked, order = sorted_bins(y)
    smooth = median_across(ranked, size)
    left_out = int(0.5 * drop * len(y))
    kept = slice(left_out, len(y) - left_out)
    offsets = (ranked[kept] - smooth[kept]).mean(0, dtype=np.float64)
    stripes = with_neighbours(find_stripes(offsets, snr, FLOOR * float(np.abs(y).max())))
    out = (y - offsets).astype(y.dtype)
    fixed = np.empty_like(y[:, stripes])
    np.put_along_axis(fixed, order[:, stripes], smooth[:, stripes], 0)
    out[:, stripes] = fixed
    return out

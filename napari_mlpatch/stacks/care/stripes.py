"""Which bins of a sinogram make stripes: what the steps for large and for dead ones share."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Size = Annotated[
    int,
    Field(ge=3, description="window of the median: twice the widest stripe", json_schema_extra={"unit": "bins"}),
]
Snr = Annotated[float, Field(gt=1, description="times the noise from which on a bin stands out; more finds fewer")]

FLOOR = 1e-5
"""Part of the largest value below which differences between bins are rounding, not noise."""


def find_stripes(values: np.ndarray, snr: float, floor: float) -> NDArray[np.bool_]:
    """Bins whose value ``[bins]`` stands out: algorithm 4 of Vo, Atwood & Drakopoulos (2018).

    The middle half of the sorted values lies on a line from ``low`` to ``high``, whose rise is the noise. Where the
    largest (smallest) value is ``snr`` times the noise beyond it, all that are ``snr / 2`` times beyond are stripes.
    ``floor`` is the least noise assumed.
    """
    ranked = np.sort(values.astype(np.float64))
    index, quarter = np.arange(len(ranked)), len(ranked) // 4
    middle = slice(quarter, len(ranked) - quarter - 1)
    slope, low = np.polyfit(index[middle], ranked[middle], 1)
    high = low + slope * index[-1]
    noise = max(abs(high - low), floor)
    found = np.zeros(len(ranked), bool)
    if ranked[-1] - high >= snr * noise:
        found |= values > high + snr / 2 * noise
    if low - ranked[0] >= snr * noise:
        found |= values <= low - snr / 2 * noise
    return found


def with_neighbours(stripes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same with one bin more to each side: the edges of a stripe are half in it."""
    wider = stripes.copy()
    wider[1:] |= stripes[:-1]
    wider[:-1] |= stripes[1:]
    return wider

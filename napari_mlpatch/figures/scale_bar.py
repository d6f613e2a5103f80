"""The length of a scale bar, and how it is written."""

from __future__ import annotations

import math

from napari_mlpatch.core.errors import InputError

SHARE = 0.3
"""Of the picture's width, that a bar has at most."""
SHORT = {
    "meter": "m",
    "metre": "m",
    "centimeter": "cm",
    "millimeter": "mm",
    "micrometer": "µm",
    "micron": "µm",
    "um": "µm",
    "nanometer": "nm",
    "angstrom": "Å",
    "kilometer": "km",
    "pixel": "px",
    "degree": "°",
    "arcminute": "′",
    "arcsecond": "″",
    "arcmin": "′",
    "arcsec": "″",
}
"""Units as napari and files call them, and as they are written."""


def nice_length(width: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most ``SHARE`` of a picture so wide."""
    if not 0 < width < math.inf:
        raise InputError(f"A picture has a positive width, got {width!r:.40}.")
    most = SHARE * width
    power = 10.0 ** math.floor(math.log10(most))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= most * (1 + 1e-9))


def written(length: float, unit: str) -> str:
    """The length with its unit, such as 5 mm or 20″."""
    short = SHORT.get(unit.strip().lower(), unit.strip())
    gap = "" if short in ("°", "′", "″") else " "
    return f"{length:.4g}{gap}{short}".strip()

"""TIFF: float32, the notes as the description of the first page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ..atomic import replacing
from ..own import POLAR
from . import polar

PER_CM = {"m": 0.01, "cm": 1.0, "mm": 10.0, "um": 1e4, "µm": 1e4, "nm": 1e7}
PER_CM |= {"meter": 0.01, "centimeter": 1.0, "millimeter": 10.0, "micrometer": 1e4, "nanometer": 1e7}


def write(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    if np.iscomplexobj(array):
        array, about = polar(array), {**about, POLAR: True}
    with replacing(target, force=force) as temporary:
        tifffile.imwrite(
            temporary,
            array,
            photometric="minisblack",
            description=json.dumps({**about, "shape": array.shape}),
            metadata=None,
            **resolution(about),
        )


def resolution(about: dict[str, Any]) -> dict[str, Any]:
    """Pixels in a centimetre, where the size of a pixel is known."""
    if not about["pixel_size"] or about["unit"] not in PER_CM:
        return {}
    return {"resolution": (PER_CM[about["unit"]] / about["pixel_size"],) * 2, "resolutionunit": "CENTIMETER"}

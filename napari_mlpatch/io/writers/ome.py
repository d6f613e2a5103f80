"""OME-TIFF: float32 with the physical size of pixels as microscopes write it; the notes are in a tag of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ..atomic import replacing
from ..own import NOTES_TAG, POLAR, RECIPE
from . import polar
from .tiff import resolution

UNITS = {"meter": "m", "centimeter": "cm", "millimeter": "mm", "micrometer": "µm", "um": "µm", "nanometer": "nm"}
KNOWN = ("m", "cm", "mm", "µm", "nm", "pm", "Å", "km", "in", "pixel")
"""Units of length of OME."""


def write(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    names = None
    if np.iscomplexobj(array):
        array, about, names = polar(array), {**about, POLAR: True}, ["magnitude", "phase"]
    axes = {2: "YX", 3: "CYX" if names else "ZYX", 4: "CZYX" if names else "ZCYX"}.get(array.ndim, "TZCYX")
    shape = array.shape
    if array.ndim > 5:
        array = array.reshape(-1, *shape[-4:])
    metadata: dict[str, Any] = {"axes": axes, "Name": target.name}
    if names and "C" in axes and array.ndim < 5:
        metadata["Channel"] = {"Name": names}
    if about[RECIPE] is not None:
        metadata["Description"] = json.dumps(about[RECIPE])
    if about["pixel_size"]:
        unit = UNITS.get(about["unit"] or "pixel", about["unit"] or "pixel")
        if unit in KNOWN:
            metadata |= {"PhysicalSizeX": about["pixel_size"], "PhysicalSizeY": about["pixel_size"]}
            metadata |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    notes = json.dumps({**about, "shape": shape})
    with replacing(target, force=force) as temporary:
        tifffile.imwrite(
            temporary,
            array,
            ome=True,
            photometric="minisblack",
            metadata=metadata,
            extratags=[(NOTES_TAG, "s", 0, notes, True)],
            **resolution(about),
        )

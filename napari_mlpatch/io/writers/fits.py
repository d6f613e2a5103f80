"""FITS: the picture first, with the size of a pixel in its header, and the notes in a table behind it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import replacing
from ..own import NOTES_PART, POLAR, RECIPE, SEAL
from . import polar

UNITS = {
    "meter": "m",
    "centimeter": "cm",
    "millimeter": "mm",
    "micrometer": "um",
    "µm": "um",
    "nanometer": "nm",
    "degree": "deg",
    "arcminute": "arcmin",
    "arcsecond": "arcsec",
}
"""Units as the FITS standard writes them."""


def write(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    from astropy.io import fits  # takes a second to load

    if np.iscomplexobj(array):
        array, about = polar(array), {**about, POLAR: True}
    picture = fits.PrimaryHDU(array)
    header = picture.header
    header["CREATOR"] = "napari-mlpatch"
    if about["pixel_size"]:
        unit = UNITS.get(about["unit"] or "", about["unit"] or "")
        for axis in ("1", "2"):
            header[f"CTYPE{axis}"], header[f"CRPIX{axis}"], header[f"CRVAL{axis}"] = "LINEAR", 1.0, 0.0
            header[f"CDELT{axis}"] = float(about["pixel_size"]), "side of a pixel"
            if unit and unit.isascii() and unit.isprintable() and len(unit) < 60:
                header[f"CUNIT{axis}"] = unit
    if about[RECIPE] is not None:
        method = about[RECIPE].get("method")
        name = method.get("name") if isinstance(method, dict) else method
        header["METHOD"] = ascii(name)[1:-1][:60], "the recipe is in the table behind"
    notes = {key: value for key, value in about.items() if key != SEAL} | {"shape": array.shape}
    text = np.frombuffer(json.dumps({**notes, SEAL: about[SEAL]}).encode(), np.uint8)  # the seal at the end of the file
    column = fits.Column(name="JSON", format=f"{len(text)}B", array=text[None])
    table = fits.BinTableHDU.from_columns([column], name=NOTES_PART)
    with replacing(target, force=force) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([picture, table]).writeto(temporary)

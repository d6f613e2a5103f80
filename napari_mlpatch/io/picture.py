"""Pictures as cameras and drawing programs write them: a few named formats, and none that fills the memory."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .guard import reading, room_for_picture

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
"""As Pillow calls them. It knows many more, some of which run programs (PostScript) or fetch what they refer to."""
ORIENTATION = 274  # of the tags of EXIF
ITEMSIZE = {"I": 4, "F": 4}


def open_picture(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The stored numbers ``[rows, columns]``, or ``[rows, columns, 3]`` of colours, and notes on what was left out.

    Raises InputError for files that are damaged, of another kind, or open to far more than they hold.
    """
    with warnings.catch_warnings(), reading(path, f"a picture ({', '.join(FORMATS)})"):
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # sizes are looked at here
        with Image.open(path, formats=FORMATS) as picture:
            bands = picture.getbands()
            shape = (picture.height, picture.width, 1 if len(bands) < 3 and picture.mode != "P" else 3)
            room_for_picture(path, shape, ITEMSIZE.get(picture.mode, 2 if picture.mode.startswith("I;") else 1))
            notes = ("transparency ignored",) if "A" in bands or "transparency" in picture.info else ()
            if getattr(picture, "n_frames", 1) > 1:
                notes += (f"the first of {picture.n_frames} frames",)  # type: ignore[attr-defined]
            if picture.getexif().get(ORIENTATION, 1) in range(2, 9):
                notes += ("turned as the camera says (orientation)",)
            if picture.format == "PNG" and not picture.mode.startswith("I") and depth_of_png(path) == 16:
                notes += ("16-bit colours read with 8 bits",)
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith(("I", "F")):
                return np.asarray(upright), notes
            return np.asarray(upright.convert("L" if upright.mode in ("1", "L", "LA") else "RGB")), notes


def depth_of_png(path: Path) -> int:
    """Bits of a number of a PNG, as its header says."""
    with path.open("rb") as file:
        return file.read(25)[24]

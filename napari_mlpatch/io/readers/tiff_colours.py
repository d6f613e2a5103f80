"""Colours in a TIFF file: which axis they are, and a grey picture stored as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored

COLOURS = (3, 4)
OPACITY = (1, 2)
"""What the tag ExtraSamples calls transparency."""
OTHER_COLOURS = {5: "CMYK", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}
JPEG = (6, 7, 34892)
"""Compressions that are undone into red, green and blue."""


def colour_axis(series: Any) -> int | None:
    """The axis of colours counted from the end: -1 interleaved, -3 in planes; None of grey images."""
    axes = series.axes if "S" in series.axes else series.keyframe.axes
    at = axes.rfind("S") - len(axes)
    if "S" not in axes or not 2 < len(series.shape) >= -at:
        return None
    extra = np.ravel(series.keyframe.tags.valueof(338, ()))
    transparent = series.shape[at] == 2 and extra.size == 1 and extra[0] in OPACITY
    return at if series.shape[at] in COLOURS or transparent else None


def no_other_colours(path: Path, page: Any, colour: bool) -> None:
    """Refuse colours whose numbers are no amounts of red, green and blue."""
    name = OTHER_COLOURS.get(int(page.tags.valueof(262, 1)))
    if colour and name is not None and not (name == "YCbCr" and int(page.compression) in JPEG):
        raise InputError(f"{path} is a colour picture in {name}. Save it in red, green and blue, or as grey.")


def moved_last(values: tuple[Any, ...], at: int) -> tuple[Any, ...]:
    at += len(values)
    return (*values[:at], *values[at + 1 :], values[at])


def grey(path: Path, stored: Stored, planar: bool = False) -> Stored:
    """One of the colours, where all are alike. Raises InputError where they are not."""

    def read(index: Any) -> np.ndarray:
        values = stored.read(index)
        if not (values[..., :1] == values[..., :3]).all():
            raise InputError(
                f"{path} is a colour picture. A measurement has one value for each bin: save it as grey, or load it "
                "as an image to simulate a measurement from."
                + " If its planes are slices, write them again with photometric='minisblack'."
                * planar
            )
        return values[..., 0]

    read(() if len(stored.shape) == 3 else 0)
    return Stored(stored.shape[:-1], read, stored.is_integer, itemsize=stored.itemsize, bits=stored.bits)

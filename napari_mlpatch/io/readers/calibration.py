"""Calibrations that ImageJ keeps beside the numbers of 8- and 16-bit images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

STRAIGHT, POLYNOMIALS, EXPONENTIAL, POWER, LOG, EXP_OFFSET, NONE, OPTICAL_DENSITY = 0, (1, 2, 3), 4, 5, 6, 11, 20, 21


@dataclass(frozen=True)
class Calibration:
    """Numbers of a file to values. ``whole``: whole numbers stay so."""

    function: Callable[[np.ndarray], np.ndarray] | None = None
    whole: bool = True

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        return numbers if self.function is None else self.function(numbers)


def of_imagej(metadata: dict[str, Any] | None, dtype: Any) -> tuple[Calibration, str]:
    """The calibration that the metadata of an ImageJ TIFF state, and a note on it.

    ``cf`` is the number of the function, ``c0``, ``c1``... its coefficients (Calibration
    and CurveFitter of ij.measure).
    ImageJ writes signed 16-bit images as unsigned ones with the straight line -32768 + v.
    """
    if not metadata or dtype is None or dtype.kind not in "iu" or dtype.itemsize > 2 or "cf" not in metadata:
        return Calibration(), ""
    number = metadata["cf"]
    c = [float(metadata.get(f"c{k}", 0.0)) for k in range(5)]
    unit = str(metadata.get("vunit", "")).strip()
    of = f" ({unit})" if unit and unit != "Gray Value" else ""
    if number in (NONE, None) or (number == STRAIGHT and c[:2] == [0.0, 1.0]):
        return Calibration(), ""
    if number == STRAIGHT and c[0] == round(c[0]) and c[1] == 1.0 and abs(c[0]) <= 2**31:
        offset = int(c[0])
        kind = "signed 16-bit numbers" if offset == -32768 else f"{offset:+d} added to the numbers"
        return Calibration(lambda v: v.astype(np.int32) + offset), f"{kind}, as ImageJ's calibration says{of}"
    functions: dict[int, Callable[..., Any]] = {
        STRAIGHT: lambda v: c[0] + c[1] * v,
        **{k: (lambda v, n=k + 1: sum(c[i] * v**i for i in range(n + 1))) for k in POLYNOMIALS},
        EXPONENTIAL: lambda v: c[0] * np.exp(c[1] * v),
        POWER: lambda v: c[0] * v ** c[1],
        LOG: lambda v: c[0] * np.log(c[1] * v),
        EXP_OFFSET: lambda v: c[0] * np.exp(-c[1] * v) + c[2],
        OPTICAL_DENSITY: lambda v: np.log10(255.0 / np.maximum(v, 1.0)),
    }
    if number not in functions:
        return Calibration(), f"ImageJ's calibration function {number} is not known: the numbers are as stored"
    function = functions[number]
    name = "optical density" if number == OPTICAL_DENSITY else f"function {number}, {c[0]:g}, {c[1]:g}"
    return Calibration(
        lambda v: np.asarray(function(v.astype(np.float64)), np.float32), whole=False
    ), f"values as ImageJ's calibration says: {name}{of}"


SHOWN = {
    0: "small values are meant to be shown bright (MINISWHITE): they are kept as they are",
    3: "the values are numbers of colours in a palette, which is not used",
}


def shown_otherwise(page: Any) -> list[str]:
    """Notes on how the first page of a TIFF file is meant to be shown, where that is not as it is stored."""
    photometric, orientation = (page.tags.valueof(tag, 1) for tag in (262, 274))
    notes = [SHOWN[int(photometric)]] if photometric in SHOWN else []
    if orientation in range(2, 9):
        notes.append(f"the file asks to be shown turned or mirrored (orientation {int(orientation)}): read as stored")
    return notes

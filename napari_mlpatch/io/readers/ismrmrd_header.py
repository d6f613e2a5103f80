"""What the XML header of ISMRMRD files (and of fastMRI's) says about sizes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

LONGEST = 2**22
ALIKE = 0.1


@dataclass(frozen=True)
class Header:
    """Matrix sizes x (readout), y, z of k-space and of the scanner's picture; the step at zero frequency.

    ``recon`` counts pixels of k-space's own size. Where the scanner's picture has others, ``resampled`` says so.
    """

    encoded: tuple[int, int, int] | None
    recon: tuple[int, int, int] | None
    centers: dict[int, int]
    trajectory: str
    resampled: str = ""
    pixel_mm: float = 0.0
    """Side of a pixel of k-space's own; 0 where it is not said."""

    @property
    def recon_shape(self) -> tuple[int, int] | None:
        """Rows and columns of the scanner's picture, as fastMRI has it: rows are the readout."""
        return None if self.recon is None else self.recon[:2]


def header_of(text: str, encoding: int = 0) -> Header:
    """Of one of its encodings. No XML parser: some can be made to fill the memory, and there is little to find."""
    text = re.sub(r"<(/?)[A-Za-z0-9_]{1,40}:", r"<\1", text[:LONGEST])  # without name spaces
    parts = re.split(r"<encoding>", text)[1:]
    text = parts[encoding] if encoding < len(parts) > 1 else text
    steps = {step: _number(_inside(text, f"kspace_encoding_step_{step}"), "center") for step in (1, 2)}
    encoded, recon = _inside(text, "encodedSpace"), _inside(text, "reconSpace")
    size, told = _in_pixels_of_kspace(encoded, recon)
    return Header(
        _size(encoded),
        size,
        {step: center for step, center in steps.items() if center is not None},
        _inside(text, "trajectory").strip().lower()[:20],
        told,
        _pixel(encoded),
    )


def _pixel(space: str) -> float:
    size = _size(space)
    return 0.0 if size is None else _length(_inside(space, "fieldOfView_mm"), "x") / size[0]


def _in_pixels_of_kspace(encoded: str, recon: str) -> tuple[tuple[int, int, int] | None, str]:
    """How many pixels of k-space's own the scanner's picture covers, and what to say where it has other pixels.

    The fields of view tell; they are rounded by scanners, so that pixels that differ by less than a tenth are alike.
    """
    given, picture = _size(encoded), _size(recon)
    fields = [[_length(_inside(space, "fieldOfView_mm"), axis) for axis in "xy"] for space in (encoded, recon)]
    if given is None or picture is None:
        return picture, ""
    sizes = list(picture)
    for axis, (whole, seen) in enumerate(zip(*fields, strict=True)):
        if whole > 0 and seen > 0 and abs(seen / picture[axis] / (whole / given[axis]) - 1.0) > ALIKE:
            sizes[axis] = max(1, round(given[axis] * seen / whole))
    if tuple(sizes) == picture:
        return picture, ""
    told = f"the scanner's picture of {picture[0]} x {picture[1]} pixels (x, y) has others than k-space, "
    return (sizes[0], sizes[1], sizes[2]), f"{told}whose own pixels are kept: {sizes[0]} x {sizes[1]} cover its field"


def _size(space: str) -> tuple[int, int, int] | None:
    x, y, z = (_number(_inside(space, "matrixSize"), axis) for axis in "xyz")
    return (x, y, z or 1) if x and y else None


def _length(text: str, name: str) -> float:
    try:
        value = float(_inside(text, name)[:40])
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _number(text: str, name: str) -> int | None:
    digits = _inside(text, name).strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else None


def _inside(text: str, name: str) -> str:
    """Between the first pair of tags of that name."""
    start = text.find(f"<{name}>")
    end = text.find(f"</{name}>", max(start, 0))
    return "" if start < 0 or end < 0 else text[start + len(name) + 2 : end]

"""What the XML header of ISMRMRD files (and of fastMRI's) says about sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 2**22


@dataclass(frozen=True)
class Header:
    """Matrix sizes x (readout), y, z of k-space and of the scanner's picture; the step at zero frequency."""

    encoded: tuple[int, int, int] | None
    recon: tuple[int, int, int] | None
    centers: dict[int, int]
    trajectory: str

    @property
    def recon_shape(self) -> tuple[int, int] | None:
        """Rows and columns of the scanner's picture, as fastMRI has it: rows are the readout."""
        return None if self.recon is None else self.recon[:2]


def header_of(text: str) -> Header:
    """Of the first encoding. No XML parser: some can be made to fill the memory, and there is little to find."""
    text = re.sub(r"<(/?)[A-Za-z0-9_]{1,40}:", r"<\1", text[:LONGEST])  # without name spaces
    steps = {step: _number(_inside(text, f"kspace_encoding_step_{step}"), "center") for step in (1, 2)}
    return Header(
        _size(_inside(text, "encodedSpace")),
        _size(_inside(text, "reconSpace")),
        {step: center for step, center in steps.items() if center is not None},
        _inside(text, "trajectory").strip().lower()[:20],
    )


def _size(space: str) -> tuple[int, int, int] | None:
    x, y, z = (_number(_inside(space, "matrixSize"), axis) for axis in "xyz")
    return (x, y, z or 1) if x and y else None


def _number(text: str, name: str) -> int | None:
    digits = _inside(text, name).strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else None


def _inside(text: str, name: str) -> str:
    """Between the first pair of tags of that name."""
    start = text.find(f"<{name}>")
    end = text.find(f"</{name}>", max(start, 0))
    return "" if start < 0 or end < 0 else text[start + len(name) + 2 : end]

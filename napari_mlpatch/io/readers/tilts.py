"""Tilt angles in the files that electron tomography keeps beside a series."""

from __future__ import annotations

import re
from pathlib import Path

from ..angles import in_text

TILTS = (".rawtlt", ".tlt")
MDOC = re.compile(r"^\s*TiltAngle\s*=\s*(-?[\d.]+(?:[eE][-+]?\d+)?)\s*$", re.MULTILINE)


def tilts_beside(path: Path, count: int) -> tuple[list[float], str] | None:
    """Tilt angles in degrees of so many pictures, and the name of their file: IMOD's, or SerialEM's ``.mdoc``."""
    stems = dict.fromkeys((path.stem, path.name, re.sub(r"_(?:ali|preali|bin\d+)$", "", path.stem)))
    for suffix in (".tlt", ".rawtlt"):
        for stem in stems:
            beside = path.with_name(stem + suffix)
            if beside.is_file():
                values = in_text(beside)[0]
                if len(values) == count:
                    return values, beside.name
    for stem in stems:
        beside = path.with_name(stem + ".mdoc")
        if beside.is_file() and beside.stat().st_size < 2**26:
            values = [float(v) for v in MDOC.findall(beside.read_text(encoding="utf-8", errors="replace"))]
            if len(values) == count:
                return values, beside.name
    return None

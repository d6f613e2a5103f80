"""Tilt angles in the files that electron tomography keeps beside a series."""

from __future__ import annotations

import re
from pathlib import Path

from ..angles import in_text

TILTS = (".rawtlt", ".tlt")
LARGEST = 2**26
"""Bytes."""
MDOC = re.compile(r"^\s*TiltAngle\s*=\s*(-?[\d.]+(?:[eE][-+]?\d+)?)\s*$", re.MULTILINE)


def tilts_beside(path: Path, count: int) -> tuple[tuple[list[float], str] | None, list[str]]:
    """Tilt angles in degrees of so many pictures, and the name of their file: IMOD's, or SerialEM's ``.mdoc``.

    None where there is none; then in words which there are of another number.
    """
    stems = dict.fromkeys((path.stem, path.name, re.sub(r"_(?:ali|preali|bin\d+)$", "", path.stem)))
    others = []
    for suffix in (*reversed(TILTS), ".mdoc"):
        for stem in stems:
            beside = path.with_name(stem + suffix)
            if not beside.is_file() or beside.stat().st_size >= LARGEST:
                continue
            if suffix in TILTS:
                values = in_text(beside)[0]
            else:
                values = [float(v) for v in MDOC.findall(beside.read_text(encoding="utf-8", errors="replace"))]
            if len(values) == count:
                return (values, beside.name), []
            others.append(f"{beside.name} holds {len(values)} angles for {count} pictures")
    return None, others

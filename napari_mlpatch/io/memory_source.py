"""Whether data can be found again by their source. Imports no reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_memory(source: Mapping[str, Any]) -> bool:
    """Whether data with this source cannot be found again: they, or the image of their simulation, were in memory."""
    kind, image = source.get("kind"), source.get("image")
    if kind == "simulated":
        return not isinstance(image, Mapping) or image.get("kind") not in ("file", "sample")
    return kind not in ("file", "sample")

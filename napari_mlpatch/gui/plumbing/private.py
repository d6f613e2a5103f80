"""Modules that napari and vispy promise to nobody."""

from __future__ import annotations

import importlib
from typing import Any


def module(name: str) -> Any:
    """It, or None where this version has none of that name: what it makes faster is then left as napari has it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None

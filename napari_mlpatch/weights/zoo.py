"""The weights that come with the program. This version brings none."""

from __future__ import annotations

from pathlib import Path

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.paths import bundled

from .card import Card
from .files import Weights, load, read_card

FOLDER = "resources/weights"


def available() -> list[Card]:
    """The cards of all bundled weights, by name."""
    return sorted((read_card(path) for path in _cards()), key=lambda card: card.name)


def find(name: str) -> Weights:
    """Weights by the path of their ``.safetensors`` file, or by the name or sha256 of bundled ones.

    Raises InputError with the known names.
    """
    if name.endswith(".safetensors"):
        return load(name)
    known = {}
    for path in _cards():
        card = read_card(path)
        if name in (card.name, card.sha256):
            return load(path.with_suffix(".safetensors"))
        known[card.name] = path
    listed = ", ".join(sorted(known)) or "none come with this version"
    raise InputError(
        f"Unknown weights {name!r}. Known: {listed}. Others are given by the path of their .safetensors file."
    )


def _cards() -> list[Path]:
    try:
        return sorted(bundled(FOLDER).glob("*.json"))
    except FileNotFoundError:
        return []

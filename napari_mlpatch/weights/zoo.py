"""The weights that come with the program, and those that the user has trained or imported."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.paths import bundled

from .card import Card
from .files import Weights, load, read_card

FOLDER = "resources/weights"
VARIABLE = "MLPATCH_WEIGHTS"


def own_folder() -> Path:
    """Where the user's own weights lie: MLPATCH_WEIGHTS of the environment, else the system's place for user data."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else platformdirs.user_data_path("napari-mlpatch") / "weights"


def available() -> list[Card]:
    """The cards of all weights, bundled and own, by name. Own ones whose card cannot be read are left out."""
    cards = {}
    for path in _cards():
        try:
            card = read_card(path)
        except InputError:
            if path.parent != own_folder():
                raise
            continue
        cards.setdefault(card.name, card)
    return sorted(cards.values(), key=lambda card: card.name)


def find(name: str) -> Weights:
    """Weights by the path of their ``.safetensors`` file, or by the name or sha256 of bundled or own ones.

    Raises InputError with the known names.
    """
    if name.endswith(".safetensors"):
        return load(name)
    for path in _cards():
        try:
            card = read_card(path)
        except InputError:
            continue
        if name in (card.name, card.sha256):
            return load(path.with_suffix(".safetensors"))
    listed = ", ".join(card.name for card in available()) or "none"
    raise InputError(
        f"Unknown weights {name!r}. Known: {listed}. Others are given by the path of their .safetensors file."
    )


def _cards() -> list[Path]:
    try:
        shipped = sorted(bundled(FOLDER).glob("*.json"))
    except FileNotFoundError:
        shipped = []
    return shipped + sorted(own_folder().glob("*.json"))

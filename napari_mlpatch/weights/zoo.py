"""The weights that come with the program, and those that the user has trained or imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_mlpatch.core.arguments import instance
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.words import count_of, short
from napari_mlpatch.paths import bundled

from .card import Card
from .files import Weights, load, read_card, size_of

FOLDER = "resources/weights"
VARIABLE = "MLPATCH_WEIGHTS"


@dataclass(frozen=True, eq=False)
class Unopened:
    """Weights of which only the card was read: the window chooses them, a job loads them."""

    card: Card

    def load(self) -> Weights:
        """The weights. Raises InputError where they are gone, damaged, or were replaced by others."""
        return find(self.card.sha256)


def own_folder() -> Path:
    """Where the user's own weights lie: MLPATCH_WEIGHTS of the environment, else the system's place for user data."""
    given = os.environ.get(VARIABLE)
    return path_of(given, VARIABLE) if given else platformdirs.user_data_path("napari-mlpatch") / "weights"


def training_folders(name: str) -> list[Path]:
    """Where the checkpoint and the snapshots of these weights may be: beside the user's own weights, or shipped."""
    instance(name, str, "The name of weights")
    found = [own_folder() / "training" / name]
    try:
        return [*found, bundled(FOLDER) / "training" / name]
    except FileNotFoundError:
        return found


def available() -> list[Card]:
    """The cards of all weights, bundled and own; own ones whose card cannot be read are left out.

    MLPatch comes first, small before full, then the others by name.
    """
    cards = {}
    for path in _cards():
        try:
            card = read_card(path)
        except InputError:
            if path.parent != own_folder():
                raise
            continue
        cards.setdefault(card.name, card)
    return sorted(cards.values(), key=_rank)


def facts(card: Card) -> list[str]:
    """What a list says beside the title: architecture, what for, size, noise levels, steps. Nothing is loaded."""
    found = [instance(card, Card, "The card").architecture.name]
    if card.method != "denoiser":
        found.append(f"for the method {card.method}" + (f" and {card.operator.name}" if card.operator else ""))
    path = next((path for path in _cards() if path.stem == card.name), None)
    if path is not None:
        try:
            count, size = size_of(path.with_suffix(".safetensors"))
            found += [f"{count / 1e6:.3g} M weights", f"{size / 1e6:.3g} MB"]
        except InputError:
            found.append("file missing or damaged")
    levels = card.noise_range
    if levels is not None:
        found.append(f"noise {levels[0]:g} to {levels[1]:g}")
    return [*found, count_of(card.steps, "step")]


def is_shipped(name: str) -> bool:
    """Whether weights of that name come with the program: they are found before the user's own."""
    instance(name, str, "The name of weights")
    return any(path.stem == name and path.parent != own_folder() for path in _cards())


def find(name: str) -> Weights:
    """Weights by the path of their ``.safetensors`` file, or by the name or sha256 of bundled or own ones.

    Raises InputError with the known names.
    """
    if isinstance(name, os.PathLike):
        name = os.fsdecode(name)
    if not isinstance(name, str):
        raise InputError(f"Weights are found by their name, got {type(name).__name__}.")
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
        f"Unknown weights {short(name)}. Known: {listed}. Others are given by the path of their .safetensors file."
    )


def _rank(card: Card) -> tuple[bool, bool, str]:
    return card.architecture.name != "mlpatch", not card.name.endswith("-small"), card.name


def _cards() -> list[Path]:
    try:
        shipped = sorted(bundled(FOLDER).glob("*.json"))
    except FileNotFoundError:
        shipped = []
    return shipped + sorted(own_folder().glob("*.json"))

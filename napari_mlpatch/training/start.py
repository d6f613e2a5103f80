"""Trainings that begin with trained weights instead of random ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from torch import Tensor

from napari_mlpatch import networks, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, reason_of


def load_start(network: Any, start_from: str) -> str:
    """Give a network the tensors of weights: by their name, hash, or .safetensors file, which needs no card.

    Returns their sha256, by which a card names them: paths mean nothing elsewhere.

    They are those of the whole network, or of a part that may be trained on its own: ``network.parts`` are what stands
    before the names of such a part's tensors, and the rest of the network stays as it is. Raises InputError where there
    are none, or they are of another architecture.
    """
    tensors, sha256 = _found(start_from)
    own = network.state_dict()
    for prefix in getattr(network, "parts", ()):
        placed = {prefix + name: value for name, value in tensors.items()}
        if placed.keys() == {name for name in own if name.startswith(prefix)}:
            tensors = own | placed
    made = networks.describe(network)
    try:
        checked = networks.from_tensors(made["name"], made["params"], tensors)
    except InputError as error:
        raise InputError(f"The training cannot start from {start_from}: {error}") from None
    network.load_state_dict(checked.state_dict())
    return sha256


def hash_of_start(start_from: str) -> str:
    """The sha256 of these weights, by which a card names them: paths mean nothing elsewhere."""
    return _found(start_from)[1]


def _found(start_from: str) -> tuple[dict[str, Tensor], str]:
    path = path_of(start_from, "The weights to start from") if start_from.endswith(".safetensors") else None
    if path is None or path.with_suffix(".json").is_file():
        found = weights.find(start_from)
        return found.tensors, found.card.sha256
    return _without_card(path)


def _without_card(path: Path) -> tuple[dict[str, Tensor], str]:
    import safetensors
    import safetensors.torch

    try:
        content = path.read_bytes()
        return safetensors.torch.load(content), hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise InputError(f"The weights {path} cannot be read: {reason_of(error)}.") from None
    except safetensors.SafetensorError as error:
        raise InputError(f"{path} is damaged or no safetensors file: {error}.") from None

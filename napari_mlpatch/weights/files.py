"""Weights in files: ``NAME.safetensors`` and its card ``NAME.json``. No pickles."""

from __future__ import annotations

import glob
import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_mlpatch.core.arguments import instance
from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.declare import explain
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import (
    LARGEST_TEXT,
    check_place,
    clean_up,
    is_file,
    left_behind,
    mark,
    path_of,
    read_text,
    reason_of,
    replace_bytes,
)
from napari_mlpatch.torch_later import Tensor, torch

from .card import Card

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, eq=False)
class Weights:
    """Named tensors (on the CPU) and their card."""

    tensors: dict[str, Tensor]
    card: Card

    @property
    def count(self) -> int:
        """How many numbers were learned."""
        return sum(value.numel() for name, value in self.tensors.items() if is_learned(name))


def load(path: str | os.PathLike[str]) -> Weights:
    """Read ``NAME.safetensors`` with its card. Raises InputError where they do not fit or are damaged.

    Where ``save`` was killed after the card was written, the tensors that belong to it are taken.
    """
    path = path_of(path, "The file of weights")
    if path.suffix != ".safetensors":
        raise InputError(f"{path} is not a .safetensors file. Weights are loaded from that format only.")
    card = read_card(path.with_suffix(".json"))
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256 and _finish(path, card):
        content = _read(path)
        found = card.sha256
    if found != card.sha256:
        raise InputError(
            f"The weights {path} are not those of their card: it says sha256 {card.sha256[:12]}..., "
            f"the file has {found[:12]}.... Get the two files again from where they came."
        )
    import safetensors
    import safetensors.torch

    try:
        return Weights(safetensors.torch.load(content), card)
    except safetensors.SafetensorError as error:
        raise InputError(f"{path} is damaged or no safetensors file: {error}.") from None


def size_of(path: Path) -> tuple[int, int]:
    """Learned numbers in a safetensors file, from its header alone, and its bytes.

    Raises InputError where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            header = json.loads(file.read(min(int.from_bytes(file.read(8), "little"), size, LARGEST_TEXT)))
        return sum(_count(entry["shape"]) for name, entry in header.items() if is_learned(name)), size
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is missing, damaged or no safetensors file: {error}.") from None


def _count(shape: Any) -> int:
    if not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise ValueError(f"a tensor has the shape {shape!r:.80}")
    return min(math.prod(shape), 2**62)


def is_learned(name: str) -> bool:
    """Whether a tensor of this name counts as weights; the statistics of batch normalisation do not."""
    return name != "__metadata__" and name.rpartition(".")[2] not in STATISTICS


def save(folder: str | os.PathLike[str], tensors: Mapping[str, Tensor], **about: Any) -> Card:
    """Write ``NAME.safetensors`` and its card into a folder; ``about`` are the card's fields but for ``sha256``.

    Raises InputError for wrong fields, and for a folder that cannot be written.
    """
    import safetensors.torch

    if not isinstance(tensors, Mapping) or not all(
        isinstance(key, str) and torch.is_tensor(value) and not value.is_meta for key, value in tensors.items()
    ):
        raise InputError(f"Weights are tensors by name, got {type(tensors).__name__}.")
    content = safetensors.torch.save({key: value.detach().cpu().contiguous() for key, value in tensors.items()})
    try:
        card = Card(**about, sha256=hashlib.sha256(content).hexdigest())
    except ValidationError as error:
        raise InputError(f"There is no such model card: {explain(error)}") from None
    path = path_of(folder, "The folder of the weights") / f"{card.name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clean_up(path.parent)
        # The card decides: before it is there the old pair holds, from then on the new one (see ``load``).
        replace_bytes(_pending(path, card, mark()), content)
        replace_bytes(path.with_suffix(".json"), (card.model_dump_json(indent=1, exclude_none=True) + "\n").encode())
        _finish(path, card)
    except OSError as error:
        raise InputError(f"The weights {path} cannot be written: {reason_of(error)}.") from None
    return card


def check_free(folder: Path, name: str, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Raises InputError where ``save`` would destroy one of the ``inputs``, or what are no weights with their card.

    To be called before a training.
    """
    if isinstance(inputs, str | bytes | os.PathLike) or not isinstance(inputs, Iterable):
        raise InputError(f"inputs are a list of names of files, got {inputs!r:.60}.")
    place, stem = path_of(folder, "The folder"), instance(name, str, "The name of the weights")
    card, tensors = (path_of(place / f"{stem}{ending}") for ending in (".json", ".safetensors"))
    for file in (card, tensors):
        if any(is_file(one) and file.exists() and os.path.samefile(file, path_of(one)) for one in inputs):
            raise InputError(f"The weights would be written to {file}, which is read here. Choose another folder.")
    try:
        check_place(card)
        check_place(tensors)
        if card.exists():
            read_card(card)
        elif tensors.exists():
            raise InputError("it has no card")
    except (InputError, OSError) as error:
        file, reason = (card, error) if card.exists() else (tensors, error)
        raise InputError(
            f"The weights would be written to {file}, which is there and not as this program writes them ({reason}). "
            "Choose another folder."
        ) from None


def _pending(path: Path, card: Card, owner: str) -> Path:
    """Where tensors wait until their card is written."""
    real = Path(os.path.realpath(path))  # beside it, as a link may lead to another disk
    return real.with_name(f".{real.stem}.{card.sha256[:16]}.{owner}.pending")


def _finish(path: Path, card: Card) -> bool:
    """Put tensors that wait for this card into their place; remove those that killed processes have left without one.

    Gives whether there were such tensors.
    """
    done, path = False, Path(os.path.realpath(path))
    for waiting in sorted(path.parent.glob(f".{glob.escape(path.stem)}.{'[0-9a-f]' * 16}.*.pending")):
        _, sha256, owner, _ = waiting.name.rsplit(".", 3)
        with suppress(OSError):  # another process may do the same
            if sha256 == card.sha256[:16] and not done:
                os.replace(waiting, path)
                done = True
            elif left_behind(owner):
                waiting.unlink()
    return done


def _read(path: Path) -> bytes:
    try:
        reserve(path.stat().st_size * 2, f"The weights {path}", "Close other programs.")
        if not path.is_file():
            raise InputError(f"The weights {path} cannot be read: it is not a file.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The weights {path} cannot be read: {error.strerror or error}.") from None


def read_card(path: str | os.PathLike[str]) -> Card:
    """Read a card. Raises InputError for a missing file, unknown keys and wrong values."""
    text = read_text(path, "The model card")
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"The model card {path} cannot be used: {explain(error)}") from None

"""Networks as they were on the way of a training, beside its checkpoint: the patch microscope plays them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import nn

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of, replace_bytes
from napari_mlpatch.core.recipe import Description

FOLDER = "snapshots"
PATTERN = "step-*.safetensors"


def steps_to_keep(count: int, steps: int, network: Any) -> set[int]:
    """``count`` steps up to the last one, from the start (0, nothing learned yet), most of them early: much moves then.

    Only of patch networks of one channel: others cannot be looked at.
    """
    if not (hasattr(network, "patch_points") and network.config.channels == 1):
        return set()
    return {round(steps * (k / (count - 1)) ** 2) for k in range(count)} if count > 1 else {steps} if count else set()


class Plan:
    """Which networks are kept: after ``steps_to_keep``, or at the same shares of a training that ends by the clock."""

    def __init__(self, count: int, steps: int, network: Any, by_time: bool):
        self._steps, self._by_time = steps_to_keep(count, steps, network), by_time
        self._shares = [(k / (count - 1)) ** 2 for k in range(count)] if count > 1 and self._steps else []

    def due(self, k: int, share: float, last: bool) -> bool:
        """Whether the network after step k is kept, of which ``share`` of the training is behind."""
        if not self._by_time or not self._steps:
            return k in self._steps
        passed = [mark for mark in self._shares if mark <= share]
        self._shares = self._shares[len(passed) :]
        return bool(passed) or last


def keep(folder: Path, network: nn.Module, k: int) -> None:
    """Write the network after step k. Raises InputError where that is impossible."""
    from safetensors.torch import save

    path = folder / FOLDER / f"step-{k:09d}.safetensors"
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, save(tensors, {"architecture": json.dumps(networks.describe(network))}))
    except OSError as error:
        raise InputError(f"The snapshot {path} cannot be written: {reason_of(error)}.") from None


def clear(folder: Path, after: int = -1) -> None:
    """Remove the snapshots of steps after that one, which another training has left. Raises InputError."""
    for path in (folder / FOLDER).glob(PATTERN):
        try:
            if _step(path) > after:
                path.unlink()
        except OSError as error:
            raise InputError(f"The old snapshot {path} cannot be removed: {error.strerror or error}.") from None


def move(folder: Path, other: Path) -> None:
    """Move the snapshots to another folder and remove those that are there. Raises OSError and InputError."""
    clear(other)
    for path in sorted((folder / FOLDER).glob(PATTERN)):
        (other / FOLDER).mkdir(exist_ok=True)
        os.replace(path, other / FOLDER / path.name)


def kept(folder: Path) -> bool:
    return any((folder / FOLDER).glob(PATTERN))


def read(folder: Path) -> Iterator[tuple[int, Any]]:
    """(step, network) in the order of the steps. Raises InputError where there are none, or a file is damaged."""
    from safetensors import SafetensorError, safe_open

    paths = sorted((folder / FOLDER).glob(PATTERN))
    if not paths:
        raise InputError(
            f"{folder} holds no snapshots of a training ({FOLDER}/{PATTERN}). Choose the folder of its checkpoint."
        )
    for path in paths:
        try:
            with safe_open(path, "pt") as file:
                made = Description.model_validate_json((file.metadata() or {}).get("architecture", ""))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 no mapping
        except (OSError, SafetensorError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path} is damaged or no snapshot of a training: {reason}.") from None
        yield _step(path), networks.from_tensors(made.name, made.params, tensors)


def _step(path: Path) -> int:
    digits = path.stem.removeprefix("step-")
    return int(digits) if digits.isdigit() else 0

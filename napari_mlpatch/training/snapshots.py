"""Networks as they were on the way of a training, beside its checkpoint: the patch microscope plays them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError

FOLDER = "snapshots"
PATTERN = "step-*.safetensors"


def steps_to_keep(count: int, steps: int) -> set[int]:
    """``count`` steps from the start (0, nothing learned yet) to the last one, most of them early: much moves then."""
    return {round(steps * (k / max(count - 1, 1)) ** 2) for k in range(count)}


def keep(folder: Path, network: nn.Module, k: int) -> None:
    """Write the network after step k. Raises InputError where that is impossible."""
    from safetensors.torch import save_file

    path = _path(folder, k)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
        save_file(tensors, temporary, {"architecture": json.dumps(networks.describe(network))})
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"The snapshot {path} cannot be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove those of an earlier training."""
    for path in (folder / FOLDER).glob(PATTERN):
        path.unlink()


def kept(folder: Path) -> bool:
    return any((folder / FOLDER).glob(PATTERN))


def read(folder: Path) -> Iterator[tuple[int, Any]]:
    """(step, network) in the order of the steps. Raises InputError where there are none, or a file is damaged."""
    from safetensors import SafetensorError, safe_open

    paths = sorted((folder / FOLDER).glob(PATTERN))
    if not paths:
        raise InputError(f"There are no snapshots of a training in {folder / FOLDER}. Train with snapshots.")
    for path in paths:
        try:
            with safe_open(path, "pt") as file:
                made = json.loads((file.metadata() or {})["architecture"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 no mapping
                step = int(path.stem.removeprefix("step-"))
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path} is damaged or no snapshot of a training: {error}.") from None
        yield step, networks.from_tensors(made["name"], made["params"], tensors)


def _path(folder: Path, k: int) -> Path:
    return folder / FOLDER / f"step-{k:09d}.safetensors"

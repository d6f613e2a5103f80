"""Checkpoints of other programs (.pt, .pth), loaded without running any code that they may hold."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_mlpatch.core.errors import InputError

ZIP, PICKLE = b"PK", b"\x80"
"""How a file of ``torch.save`` begins, and one from before PyTorch 1.6."""
WRAPPERS = ("model_state_dict", "state_dict", "params_ema", "params", "model")


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tensors by name, or such dicts by name for a bank of networks; float32 and on the CPU.

    Raises InputError for files that are missing, no checkpoint, hold objects other than tensors, or NaN.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    with path.open("rb") as file:
        start = file.read(2)
    if start != ZIP and start[:1] != PICKLE:
        raise InputError(f"{path} is no PyTorch checkpoint: it starts with {start!r}. Give a .pt or .pth file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} holds Python objects other than tensors, or is damaged. It was not loaded, because such a file "
            "can run any program. Save its state_dict alone and import that."
        ) from None
    except Exception:  # of many types, with many words
        raise InputError(f"{path} is no PyTorch checkpoint, or is damaged. Get it again from where it came.") from None
    for name in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    return _tensors(path, content)


def _tensors(path: Path, content: Any) -> dict[str, Any]:
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{path} holds {type(content).__name__}, not the named tensors of a network.")
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            found[str(name)] = _tensors(path, value)
        elif not isinstance(value, Tensor):
            raise InputError(f"{path}: {name!r} is {type(value).__name__}, not a tensor. Save the state_dict alone.")
        elif not bool(torch.isfinite(value).all()):
            raise InputError(f"{path}: {name!r} holds NaN or infinite values. The file is damaged.")
        else:
            found[str(name).removeprefix("module.")] = value.float() if value.is_floating_point() else value
    return found

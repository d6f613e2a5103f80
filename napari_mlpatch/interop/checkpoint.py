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
NUMBERS = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)
WRAPPERS = ("model_state_dict", "state_dict", "params_ema", "params", "model")


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tensors by name, or such dicts by name for a bank of networks; float32 and on the CPU.

    Raises InputError for files that are missing, no checkpoint, hold objects other than tensors, NaN, or
    tensors that are not plain arrays of numbers (sparse, quantised, without values).
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


def _tensors(path: Path, content: Any, inside: str = "") -> dict[str, Any]:
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{path} holds {type(content).__name__}, not the named tensors of a network.")
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            if inside:
                raise InputError(f"{path}: {inside!r} holds dicts of dicts, not the named tensors of a network.")
            found[str(name)] = _tensors(path, value, str(name) or "its dict")
        elif not isinstance(value, Tensor):
            raise InputError(f"{path}: {name!r} is {type(value).__name__}, not a tensor. Save the state_dict alone.")
        elif value.layout != torch.strided or value.is_nested or value.is_meta or value.dtype not in NUMBERS:
            raise InputError(
                f"{path}: {name!r} is a tensor of {value.dtype} in the layout {value.layout} on the device "
                f"{value.device.type}. Only plain arrays of numbers can be imported: save it as dense float32."
            )
        elif not bool(torch.isfinite(value).all()):
            raise InputError(f"{path}: {name!r} holds NaN or infinite values. The file is damaged.")
        else:
            found[str(name).removeprefix("module.")] = value.float() if value.is_floating_point() else value
    return found

"""Checkpoints of other programs (.pt, .pth), loaded without running any code that they may hold."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_mlpatch.core.budget import in_words, reserve
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import is_file, path_of

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
    path = path_of(path, "The checkpoint")
    if not is_file(path):
        raise InputError(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    reserve(3 * path.stat().st_size, f"The checkpoint {path}", "Close other programs.")
    if start != ZIP and start[:1] != PICKLE:
        raise InputError(f"{path} is no PyTorch checkpoint: it starts with {start!r}. Give a .pt or .pth file.")
    if start == ZIP:
        _check_packed(path)
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


def _check_packed(path: Path) -> None:
    """PyTorch does not compress: an archive that would grow was made to fill the memory. Raises InputError."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        raise InputError(f"{path} is no PyTorch checkpoint, or is damaged. Get it again from where it came.") from None
    if unpacked > path.stat().st_size + 2**20:
        raise InputError(
            f"{path} would unpack to {in_words(unpacked)}: PyTorch writes no such files. It was not loaded."
        )


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
        elif value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise InputError(
                f"{path}: {name!r} has shape {list(value.shape)}, but the file holds "
                f"{in_words(value.untyped_storage().nbytes())} of it: it is expanded. Save it with .contiguous()."
            )
        elif not bool(torch.isfinite(value).all()):
            raise InputError(f"{path}: {name!r} holds NaN or infinite values. The file is damaged.")
        else:
            found[str(name).removeprefix("module.")] = value.float() if value.is_floating_point() else value
    return found

"""What a method needs to go on from its last iterate, as plain JSON and named arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

PREFIX = "state-"


def pack(state: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """The state with its tensors taken out, and those by the names that stand in their place.

    None, and no arrays, where it holds anything but tensors, numbers, texts, dictionaries, lists and tuples: such a
    result is not continued but begun again.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        return _packed(state, arrays, count()), arrays
    except TypeError:
        return None, {}


def unpack(packed: Any, read: Callable[[str], np.ndarray]) -> Any:
    """The state again; ``read`` gives the array of a name. Raises InputError for what ``pack`` never makes."""
    if packed is None or isinstance(packed, bool | int | float | str):
        return packed
    if isinstance(packed, dict) and len(packed) == 1:
        (kind, value), *_ = packed.items()
        if kind == "tensor" and isinstance(value, str) and value.startswith(PREFIX):
            return torch.from_numpy(np.array(read(value)))
        if kind in ("list", "tuple") and isinstance(value, list):
            items = (unpack(item, read) for item in value)
            return list(items) if kind == "list" else tuple(items)
        if kind == "dict" and isinstance(value, list) and all(_is_pair(pair) for pair in value):
            return {key: unpack(item, read) for key, item in value}
    raise InputError("The state of a result is damaged: it is not what this program writes.")


def _packed(state: Any, arrays: dict[str, np.ndarray], numbers: Iterator[int]) -> Any:
    if state is None or type(state) in (bool, int, float, str):
        return state
    if torch.is_tensor(state):
        name = f"{PREFIX}{next(numbers)}"
        arrays[name] = state.detach().cpu().resolve_conj().numpy()
        return {"tensor": name}
    if type(state) in (list, tuple):
        return {type(state).__name__: [_packed(item, arrays, numbers) for item in state]}
    if type(state) is dict and all(isinstance(key, str) for key in state):
        return {"dict": [[key, _packed(value, arrays, numbers)] for key, value in state.items()]}
    raise TypeError(type(state).__name__)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)

"""How much memory the tables take that an operator has made so far."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .array import Array
from .operator import Operator

OURS = "napari_mlpatch"


def held_bytes(A: Operator, device: torch.device | str = "cpu") -> int:
    """Bytes of all tensors (and on the CPU, arrays) that A has made and keeps on a device; its parameters not counted.

    Storage that several share counts once.
    """
    seen: dict[Any, int] = {}
    _collect(A, torch.device(device).type, seen, set())
    return sum(seen.values())


def cached(A: Operator) -> int:
    """A count that grows with each table or number that A (or a part of it) makes and keeps."""
    parts = [value for value in vars(A).values() if isinstance(value, Operator)]
    parts += [v for value in vars(A).values() if isinstance(value, tuple) for v in value if isinstance(v, Operator)]
    own = sum(1 + (len(value) if isinstance(value, dict) else 0) for value in vars(A).values())
    return own + sum(cached(part) for part in parts)


def _collect(thing: Any, kind: str, seen: dict[Any, int], visited: set[int]) -> None:
    if id(thing) in visited or isinstance(thing, Array):
        return
    visited.add(id(thing))
    if torch.is_tensor(thing):
        for part in _strided(thing):
            if part.device.type == kind:
                storage = part.untyped_storage()
                seen["tensor", storage.data_ptr()] = storage.nbytes()
    elif isinstance(thing, np.ndarray):
        while isinstance(thing.base, np.ndarray):
            thing = thing.base
        if kind == "cpu" and thing.base is None:
            seen["array", id(thing)] = thing.nbytes
    elif isinstance(thing, dict):
        for value in list(thing.values()):
            _collect(value, kind, seen, visited)
    elif isinstance(thing, list | tuple):
        for value in thing:
            if not isinstance(value, int | float):
                _collect(value, kind, seen, visited)
    elif hasattr(thing, "__dict__") and (isinstance(thing, Operator) or type(thing).__module__.startswith(OURS)):
        fields = {f.name for f in dataclasses.fields(thing)} if dataclasses.is_dataclass(thing) else set()
        is_part = isinstance(thing, Operator)
        for name, value in list(vars(thing).items()):
            if not is_part or name not in fields or isinstance(value, Operator | tuple):
                _collect(value, kind, seen, visited)


def _strided(x: Tensor) -> list[Tensor]:
    if x.layout == torch.sparse_csr:
        return [x.crow_indices(), x.col_indices(), x.values()]
    if x.layout == torch.sparse_coo:
        return [x._indices(), x._values()]
    return [x]

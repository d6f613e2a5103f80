"""MATLAB's cell arrays of equal arrays, as one array."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Stored

CELL = re.compile(r"(.+)\{(\d+)\}")
DEEPEST = 3


def joined_cells(values: Mapping[str, Stored | str]) -> tuple[dict[str, Stored | str], list[str]]:
    """The same with the arrays ``name{1}``, ``name{2}``... as one, along a new first axis, where they are alike.

    Those of different shapes, or of text, stay apart. Also notes.
    """
    found, notes = dict(values), []
    for _ in range(DEEPEST):
        cells: dict[str, dict[int, str]] = {}
        for name in found:
            match = CELL.fullmatch(name)
            if match:
                cells.setdefault(match[1], {})[int(match[2])] = name
        for cell, members in cells.items():
            names = [members[number] for number in sorted(members)]
            arrays = [found[name] for name in names]
            stored = [array for array in arrays if isinstance(array, Stored)]
            if len(stored) < len(names) or sorted(members) != list(range(1, len(names) + 1)) or cell in found:
                continue
            if len({(array.shape, array.is_complex) for array in stored}) == 1:
                for name in names:
                    del found[name]
                found[cell] = _stacked(stored)
                if len(names) > 1 and max(stored[0].shape, default=1) > 1:
                    notes.append(
                        f"{cell!r} is a cell array: its {len(names)} arrays are taken as one, behind each other"
                    )
    return found, notes


def _stacked(arrays: list[Stored]) -> Stored:
    first = arrays[0]
    if len(arrays) == 1:
        return first
    if max(first.shape, default=1) == 1:
        return Stored.of(np.concatenate([np.asarray(array.read(())).ravel() for array in arrays]))

    def read(index: Any) -> np.ndarray:
        one, *rest = index if isinstance(index, tuple) and index else (slice(None),) if index == () else (index,)
        chosen = np.arange(len(arrays))[one]
        inner = tuple(rest)
        if np.ndim(chosen) == 0:
            return arrays[int(chosen)].read(inner)
        return np.stack([arrays[int(at)].read(inner) for at in chosen])

    is_sparse = all(array.is_sparse for array in arrays)
    held = sum(array.held for array in arrays)
    return Stored((len(arrays), *first.shape), read, first.is_integer, first.is_complex, is_sparse=is_sparse, held=held)

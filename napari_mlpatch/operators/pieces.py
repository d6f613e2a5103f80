"""Transforms along one axis in pieces that stay in the processor's cache."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from napari_mlpatch.torch_later import Tensor, torch

CACHE = 1 << 18
"""Complex numbers that each thread works on at a time: 2 MiB in single precision."""
LEAST = 16
"""Lines of a piece: writing them transposed fills whole lines of the cache."""


def groups(x: Tensor, size: int) -> Iterator[slice]:
    """Of the items of a batch that are transformed together, each of ``size`` complex numbers."""
    return _slices(len(x), max(1, _room(x) // max(size, 1)))


def pieces(x: Tensor, count: int, length: int) -> Iterator[slice]:
    """Of ``count`` lines of ``length`` complex numbers, of each item of ``x``: all of them on a GPU.

    There to start an operation costs more than memory does. Here all memory that is needed between is used again and
    again: whole images of 2048 x 2048 pixels would take new pages at each step, and twice the time.
    """
    return _slices(count, max(LEAST, _room(x) // max(length * len(x), 1)))


def _slices(count: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _room(x: Tensor) -> int:
    return CACHE * torch.get_num_threads() if x.device.type == "cpu" else sys.maxsize

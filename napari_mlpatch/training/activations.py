"""How much memory a step of a training takes, told before it takes the machine's."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from napari_mlpatch.core.budget import in_words, limit
from napari_mlpatch.core.errors import InputError


@contextmanager
def counted(what: str) -> Iterator[None]:
    """What is computed here, forwards, keeps no more for its derivative than may be allocated.

    Counts tensors while they are kept, once each, and raises InputError at the first that is too many: on the CPU,
    where the system would end the process instead. ``what`` begins the message.
    """
    most, total = limit(), 0
    held: Counter[int] = Counter()

    def keep(x: Tensor) -> Tensor:
        nonlocal total
        kept = x.detach()  # itself would be a cycle, which outlives the step
        if x.device.type != "cpu" or x.layout != torch.strided:
            return kept
        storage = x.untyped_storage()
        pointer, size = storage.data_ptr(), storage.nbytes()
        total += 0 if held[pointer] else size
        held[pointer] += 1
        weakref.finalize(kept, release, pointer, size).atexit = False
        if total > most:
            raise InputError(
                f"{what} keeps more than the {in_words(most)} of memory that may be used here, for its derivative. "
                "Train with fewer images in a step, smaller crops, or a narrower network."
            )
        return kept

    def release(pointer: int, size: int) -> None:
        nonlocal total
        held[pointer] -= 1
        total -= 0 if held[pointer] else size

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        yield

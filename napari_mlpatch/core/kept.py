"""What was opened from a file and is kept for the next who asks: the last few things, bounded in bytes."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from napari_mlpatch.torch_later import torch

_all: weakref.WeakSet[Kept] = weakref.WeakSet()


class Kept:
    """Values by key, of which each is made by the thread that asks first while others wait; the newest are kept.

    ``count`` and ``bytes_`` are the most that stay; the last one stays whatever its size. A value is made outside of
    PyTorch's inference mode, and without gradients.
    """

    def __init__(self, count: int, bytes_: int):
        self._count, self._bytes = count, bytes_
        self._values: OrderedDict[Hashable, tuple[Any, int, torch.device]] = OrderedDict()
        self._lock = threading.RLock()
        _all.add(self)

    def get_or_make(
        self,
        key: Hashable,
        device: torch.device,
        make: Callable[[], Any],
        size: Callable[[Any], int],
        still: Callable[[Any], bool] = lambda value: True,
    ) -> Any:
        """The value of this key, made where there is none or it is not ``still`` right; ``size`` gives its bytes."""
        with self._lock:
            found = self._values.pop(key, None)
            if found is None or not still(found[0]):
                with torch.inference_mode(False), torch.no_grad():
                    value = make()
                found = value, size(value), device
            self._values[key] = found
            while len(self._values) > 1 and (len(self._values) > self._count or self._held() > self._bytes):
                self._values.popitem(last=False)
            return found[0]

    def release(self, device: torch.device) -> None:
        """Forget what lies on a device ("cuda": on any GPU)."""
        with self._lock:
            for key, (_, _, there) in list(self._values.items()):
                if there.type == device.type and device.index in (None, there.index):
                    del self._values[key]

    def __len__(self) -> int:
        return len(self._values)

    def _held(self) -> int:
        return sum(size for _, size, _ in self._values.values())


@contextmanager
def visiting(device: torch.device) -> Iterator[None]:
    """Whatever is kept on the device leaves it at the end, unless it is the CPU."""
    try:
        yield
    finally:
        if device.type != "cpu":
            for kept in list(_all):
                kept.release(device)

"""What an operator computes for itself and keeps: tables on devices, each made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np

from napari_mlpatch.torch_later import torch


class MadeOnce(dict):
    """Values by key, each made by the thread that asks first while others wait.

    Tensors made under ``torch.inference_mode`` could never take part in a training, and those of a transform of
    ``torch.func`` end with it, so values are made outside of both. Copies start empty.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def __reduce__(self) -> Any:
        return MadeOnce, ()

    def get_or_make(self, key: Hashable, make: Callable[[], Any]) -> Any:
        try:
            return self[key]
        except KeyError:
            pass
        with self._lock:
            if key not in self:
                with plainly():
                    value = make()
                self[key] = value
                return value
            return self[key]

    def drop(self, unwanted: Callable[[Any], bool]) -> None:
        """Forget the values of these keys."""
        with self._lock:
            for key in [key for key in self if unwanted(key)]:
                del self[key]


class Keeper:
    """What keeps tables for devices, and can be told to leave one: base of operators."""

    @cached_property
    def _made(self) -> MadeOnce:
        return MadeOnce()

    def _table(self, name: str, device: torch.device, dtype: torch.dtype, make: Callable[[], Any]) -> Any:
        """``make()``, kept by its name for a device and the real precision of ``dtype``; made once, also for training.

        Arrays and tensors are brought there, complex ones in the complex type of that precision, those of integers and
        booleans as they are. What else is made (plans, numbers) is kept as it is.
        """
        real = dtype.to_real()
        key = (name, device, real)
        return self._made.get_or_make(key, lambda: placed(make(), device, real))

    def _kept(self, name: str, make: Callable[[], Any]) -> Any:
        """``make()``, kept by its name whatever the device."""
        return self._made.get_or_make((name,), make)

    @property
    def _keepers(self) -> list[Keeper]:
        """The keepers that this one is made of, or has made for itself."""
        return [part for value in list(vars(self).values()) for part in _parts(value) if isinstance(part, Keeper)]

    def release(self, device: torch.device | str) -> None:
        """Forget the tables on a device ("cuda": on all GPUs); they are made again when they are needed."""
        there = torch.device(device)
        self._made.drop(lambda key: _on(key, there))
        for part in self._keepers:
            part.release(there)

    @contextmanager
    def visiting(self, device: torch.device) -> Iterator[None]:
        """Tables that are made meanwhile leave the device at the end, unless it is the CPU."""
        before = self._keys() if device.type != "cpu" else set()
        try:
            yield
        finally:
            if device.type != "cpu":
                self._release_all_but(before, device)

    def _keys(self) -> set[tuple[int, Any]]:
        return {(id(self), key) for key in list(self._made)}.union(*(part._keys() for part in self._keepers))

    def _release_all_but(self, kept: set[tuple[int, Any]], device: torch.device) -> None:
        self._made.drop(lambda key: _on(key, device) and (id(self), key) not in kept)
        for part in self._keepers:
            part._release_all_but(kept, device)


def _parts(value: Any) -> list[Any]:
    """The members of a tuple, the values of a dictionary, or what it is."""
    return list(value.values()) if type(value) is dict else list(value) if isinstance(value, tuple) else [value]


@contextmanager
def plainly(stays: bool = True) -> Iterator[None]:
    """Tensors are made as if nothing was differentiated, mapped or in inference mode.

    What ``stays`` is there for the next run as well: no run pays for its memory.
    """
    from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

    from .meter import apart

    paid = apart() if stays else nullcontext()
    with paid, torch.inference_mode(False), torch.no_grad(), temporarily_clear_interpreter_stack():
        yield


def placed(made: Any, device: torch.device, real: torch.dtype) -> Any:
    """An array or a tensor on a device, if it is one, of floating-point numbers in a precision."""
    if isinstance(made, np.ndarray):
        made = torch.from_numpy(np.ascontiguousarray(made))
    if not torch.is_tensor(made):
        return made
    if made.is_complex():
        return made.to(device, real.to_complex())
    return made.to(device, real if made.is_floating_point() else made.dtype)


def _on(key: tuple[Any, ...], device: torch.device) -> bool:
    """Whether that is the key of a table on a device."""
    there = [part for part in key if isinstance(part, torch.device)]
    return any(d.type == device.type and device.index in (None, d.index) for d in there)

"""Pictures of a stack that are read on another thread while napari shows the last one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

KEPT = 16
"""Pictures that are kept, so that going back to one reads nothing."""


class Later:
    """``later[z]`` is what ``read`` gives for z, if it is there; else the last one, and z is ``asked`` for.

    ``asked(work, then)`` does the work on another thread, and then calls ``then`` on the window's. ``shown`` is called
    when another picture has come. Where ``at_once()`` it is waited for: all of them together make one view.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        read: Callable[[int], np.ndarray],
        asked: Callable[[Callable[[], Any], Callable[[Any], None]], None],
        at_once: Callable[[], bool],
    ):
        self.shape, self._read, self._asked, self._at_once = tuple(shape), read, asked, at_once
        self.shown: Callable[[], None] = lambda: None
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._last: np.ndarray | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def keep(self, index: int) -> np.ndarray:
        """Read one, wherever this is called."""
        picture = np.asarray(self._read(index), np.float32)
        with self._lock:
            self._kept[index] = picture
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            if self._last is None:
                self._last = picture
        return picture

    def __getitem__(self, index: int) -> np.ndarray:
        with self._lock:
            picture, last = self._kept.get(index), self._last
        if picture is None and last is not None and not self._at_once():
            self._asked(lambda: self.keep(index), lambda picture: self.shown())
            return last
        if picture is None:
            picture = self.keep(index)
        with self._lock:
            self._last = picture
        return picture

"""Pictures of a stack that are read on another thread while napari shows the last one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

KEPT = 16
"""Pictures that are kept, so that going back to one reads nothing."""
ROOM = 256 * 2**20
"""Bytes that they take at most, but for the last one."""


class Later:
    """``later[z]`` is what ``read`` gives for z, if it is there; else the last one, and z is ``asked`` for.

    ``asked(work, then)`` does the work on another thread, and then calls ``then`` on the window's. ``shown`` is called
    when another picture has come. Where ``at_once()`` it is waited for: all of them together make one view. So it is
    where a picture is not ``looked_at``: somebody else gets no other in its place.
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
        self.looked_at: Callable[[int], bool] = lambda index: True
        self._kept: OrderedDict[int, tuple[np.ndarray, int]] = OrderedDict()
        self._last: np.ndarray | None = None
        self._handed: np.ndarray | None = None
        """The picture that the canvas got last."""
        self._on_show: int | None = None
        self._awaited: int | None = None
        self._version = 0
        self._renewed: dict[int | None, int] = {}
        """The version from which on the file holds another picture; under None that of all."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def keep(self, index: int) -> np.ndarray:
        """Read one, wherever this is called."""
        with self._lock:
            version = self._version
        picture = np.asarray(self._read(index), np.float32)
        with self._lock:
            self._kept[index] = picture, version
            self._kept.move_to_end(index)
            most = max(1, min(KEPT, ROOM // max(picture.nbytes, 1)))
            while len(self._kept) > most:
                self._kept.popitem(last=False)
            if self._last is None:
                self._last = picture
            if self._awaited == index:
                self._awaited = None
        return picture

    def renew(self, indices: Iterable[int] | None = None, look: bool = True) -> None:
        """These pictures, or all, are others now. ``look``: that on show is read again."""
        which: list[int | None] = [None] if indices is None else list(indices)
        with self._lock:
            self._version += 1
            self._renewed |= dict.fromkeys(which, self._version)
            index = self._on_show
            again = look and index is not None
            if again and index in self._kept:
                again = self._is_old(index)
            elif again:  # not kept any more; or on its way, see ``_ask``
                again = self._awaited != index and (index in which or None in which)
        if again and index is not None and not self._at_once():
            self._ask(index)

    def _is_old(self, index: int) -> bool:
        """Call it with the lock."""
        return self._kept[index][1] < max(self._renewed.get(index, 0), self._renewed.get(None, 0))

    def _ask(self, index: int) -> None:
        def work() -> tuple[np.ndarray, np.ndarray | None, bool]:
            try:
                picture = self.keep(index)
            finally:
                if self._awaited == index:
                    self._awaited = None
            handed = self._handed  # an answer that was dropped may have kept the picture, but nobody has seen it
            return picture, handed, handed is None or not np.array_equal(handed, picture)

        def then(answer: tuple[np.ndarray, np.ndarray | None, bool]) -> None:
            picture, handed, is_other = answer
            with self._lock:
                is_other = self._handed is not picture and (is_other or self._handed is not handed)
                again = self._on_show == index and index in self._kept and self._is_old(index)
            if is_other:
                self.shown()
            elif again:  # it became another one while it was read
                self._ask(index)

        self._asked(work, then)

    def __getitem__(self, index: int) -> np.ndarray:
        later = self.looked_at(index) and not self._at_once()
        with self._lock:
            picture, last = self._kept[index][0] if index in self._kept else None, self._last
            there = picture is not None and not self._is_old(index)
            waits = later and not there and last is not None
            ask = waits and self._awaited != index
            if later:
                self._on_show, self._awaited = index, index if waits else None
            if picture is not None:
                self._kept.move_to_end(index)
        if ask:
            self._ask(index)
        if waits:
            self._handed = last if picture is None else picture
            return self._handed  # type: ignore[return-value]
        if picture is None or not there:
            picture = self.keep(index)
        with self._lock:
            self._last = picture
            if later:
                self._handed = picture
        return picture


def looked_through(planes: Any, later: Later) -> Any:
    """The Dask array of ``planes``, of which a single picture comes from ``later``; all else is read as it is."""
    from dask.array import Array

    class LookedThrough(Array):
        crop: tuple[slice, ...] = ()
        later: Later

        def __getitem__(self, index: Any) -> Any:
            z, *within = index if isinstance(index, tuple) else (index,)
            if isinstance(z, int | np.integer) and all(isinstance(k, slice) and k == slice(None) for k in within):
                return later[int(z)][self.crop]
            part = super().__getitem__(index)
            whole = isinstance(z, slice) and z == slice(None)
            if whole and len(within) == 2 and not self.crop and all(isinstance(k, slice) for k in within):
                return made(part, tuple(within))  # a tile, of which napari takes a picture next
            return part

    def made(array: Any, crop: tuple[slice, ...]) -> Any:
        same = Array.__new__(LookedThrough, array.dask, array.name, array.chunks, array.dtype)  # type: ignore
        same.crop, same.later = crop, later
        return same

    return made(planes.lazily(), ())


def readers(levels: Iterable[Any]) -> list[Later]:
    """Who reads these arrays, where they are ``looked_through``."""
    return [level.later for level in levels if isinstance(getattr(level, "later", None), Later)]

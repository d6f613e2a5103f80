"""A stack of pictures that is read picture by picture, where somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Planes:
    """``planes[z, y, x]`` reads the pictures ``[rows, columns]`` that it needs, and no other."""

    ndim = 3

    def __init__(self, shape: tuple[int, ...], read: Callable[[int], np.ndarray]):
        self.shape, self._read, self.dtype = tuple(shape), read, np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Slices along each axis, or one number along the first."""
        z, *within = index if isinstance(index, tuple) else (index,)
        if not isinstance(z, slice):
            return np.asarray(self._read(z), self.dtype)[tuple(within)]
        wanted = range(self.shape[0])[z]
        pictures = [np.asarray(self._read(k), self.dtype)[tuple(within)] for k in wanted]
        return np.stack(pictures) if pictures else np.zeros((0, *self.shape[1:]), self.dtype)

    def lazily(self) -> Any:
        """The same as a Dask array of one picture a chunk. Reads one, so that whoever looks at it does not wait."""
        import dask.array as da

        made: Any = da.from_array(self, chunks=(1, *self.shape[1:]), name=False, asarray=False)  # type: ignore[arg-type]
        made[:1, :1, :1].compute()  # Dask imports its schedulers with the first number, which takes half a second
        return made

"""Iterates of runs, kept to be looked at later: every k-th one, exactly as it was, within a bound of bytes.

>>> recorder = Recorder()
>>> result = mp.reconstruct(problem, mp.methods.TV(), recorder=recorder)
>>> recorder.ks, recorder.at(10), recorder.best("psnr")
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
import weakref
from contextlib import suppress
from typing import IO, Any

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import is_number
from .errors import InputError

MEMORY = 512 * 2**20
"""Bytes of memory for iterates, where nothing else is said."""
DISK = 4 * 2**30
"""Bytes of temporary files, once memory is full."""
BEST = ("psnr",)
"""Numbers whose best (highest) iterate is always kept."""


class Pool:
    """The memory, and the space for temporary files, that recorders share.

    When both are full, the recorder that holds most keeps only every second of its iterates. ``folder`` is where
    temporary files lie, by default where the system has them; they have no name, and end with their recorder.
    """

    def __init__(self, memory: int = MEMORY, disk: int = 0, folder: str | None = None):
        for value, what in ((memory, "memory"), (disk, "disk")):
            if not (is_number(value) and 0 <= value < math.inf):
                raise InputError(f"The {what} for iterates is a number of bytes from 0 on, got {value!r:.40}.")
        self.memory, self.disk, self.folder = int(memory), int(disk), folder
        self._recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()
        self.lock = threading.RLock()

    @property
    def held(self) -> int:
        """Bytes of memory that iterates take."""
        with self.lock:
            return sum(recorder.held for recorder in self._recorders)

    @property
    def spilled(self) -> int:
        """Bytes of temporary files that iterates take."""
        with self.lock:
            return sum(recorder.spilled for recorder in self._recorders)

    def join(self, recorder: Recorder) -> None:
        with self.lock:
            self._recorders.add(recorder)

    def place(self, size: int) -> str:
        """Where so many bytes may go, "memory" or "disk", after others made room; empty where nowhere."""
        while True:
            if self.held + size <= self.memory:
                return "memory"
            if self.spilled + size <= self.disk:
                return "disk"
            largest_first = sorted(self._recorders, key=lambda r: -(r.held + r.spilled))
            if not any(recorder.thin() for recorder in largest_first):
                return ""


class Recorder:
    """Every ``every``-th iterate of a run, with the first, the last, and the one of highest PSNR where that is known.

    ``add`` is called by ``run``, from its thread; everything else from any thread. When its pool is full, every second
    iterate that it holds goes, and ``every`` doubles. ``budget`` are the bytes of a pool of its own, ``spill`` those
    of a temporary file for what does not fit.
    """

    def __init__(self, budget: int = MEMORY, *, spill: int = 0, every: int = 1, pool: Pool | None = None):
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise InputError(f"Every how many-th iterate is kept is a whole number from 1 on, got {every!r:.40}.")
        self.every = every
        self.pool = Pool(budget, spill) if pool is None else pool
        self.scalars: dict[int, dict[str, float]] = {}
        """The numbers of all iterates, kept or not."""
        self._memory: dict[int, Tensor] = {}
        self._file: IO[bytes] | None = None
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._shape: tuple[int, ...] = ()
        self._dtype = torch.float32
        self._size = 0
        self._first = self._last = 0
        self._best: dict[str, int] = {}
        self.pool.join(self)

    # ---- writing --------------------------------------------------------------------------------------------

    def add(self, k: int, x: Tensor, scalars: dict[str, float]) -> None:
        """Keep a copy of iterate k, ``[B, C, *space]``, on the CPU."""
        with self.pool.lock:
            if self._size == 0 or tuple(x.shape) != self._shape or x.dtype != self._dtype:
                self.clear()
                self._shape, self._dtype, self._first = tuple(x.shape), x.dtype, k
                self._size = x.numel() * x.element_size()
            elif k <= self._last:
                return  # one that had converged comes again
            self.scalars[k] = {name: float(value) for name, value in scalars.items() if is_number(value)}
            passed = {self._last}
            self._last = k
            for name in BEST:
                value, known = self.scalars[k].get(name, math.nan), self._best.get(name)
                if math.isfinite(value) and (known is None or value > self.scalars[known][name]):
                    passed.add(k if known is None else known)
                    self._best[name] = k
            for old in passed - {k}:
                if not self._wanted(old):
                    self._drop(old)
            self._store(k, x.detach())

    def moved(self, pool: Pool) -> Recorder:
        """The same iterates in another pool, where some may have no room."""
        made = Recorder(every=self.every, pool=pool)
        with self.pool.lock:
            for k in self.ks:
                made.add(k, self.at(k), self.scalars.get(k, {}))
            made.scalars.update(self.scalars)
        return made

    def thin(self) -> bool:
        """Keep only every second iterate; whether that made room."""
        with self.pool.lock:
            before = len(self)
            while len(self) == before and self.every <= self._last:
                self.every *= 2
                for k in self.ks:
                    if not self._wanted(k):
                        self._drop(k)
            return len(self) < before

    def clear(self) -> None:
        """Forget everything, and let go of the file."""
        with self.pool.lock:
            self._memory.clear()
            self._slots.clear()
            self._free.clear()
            self.scalars.clear()
            self._best.clear()
            self._size = self._first = self._last = 0
            if self._file is not None:
                self._file.close()
                self._file = None

    def _wanted(self, k: int) -> bool:
        return k % self.every == 0 or k in (self._first, self._last, *self._best.values())

    def _store(self, k: int, x: Tensor) -> None:
        where = self.pool.place(self._size)
        if where == "disk":
            try:
                self._write(k, x)
                return
            except OSError:  # the disk is full: no more there than what it holds
                self.pool.disk = self.pool.spilled
                where = self.pool.place(self._size)
        if where == "memory":
            self._memory[k] = x.cpu().clone()

    def _write(self, k: int, x: Tensor) -> None:
        if self._file is None:
            if self.pool.folder is not None:
                os.makedirs(self.pool.folder, exist_ok=True)
            self._file = tempfile.TemporaryFile(prefix="mlpatch-iterates-", dir=self.pool.folder)  # noqa: SIM115
        slot = self._free[-1] if self._free else len(self._slots)
        self._file.seek(slot * self._size)
        self._file.write(x.cpu().contiguous().numpy().reshape(-1).view(np.uint8).data)
        self._file.flush()
        if self._free:
            self._free.pop()
        self._slots[k] = slot

    def _drop(self, k: int) -> None:
        self._memory.pop(k, None)
        with suppress(KeyError):
            self._free.append(self._slots.pop(k))

    # ---- reading --------------------------------------------------------------------------------------------

    @property
    def ks(self) -> list[int]:
        """The iterations whose iterates are there, in order."""
        with self.pool.lock:
            return sorted({*self._memory, *self._slots})

    @property
    def size(self) -> int:
        """Bytes of one iterate."""
        return self._size

    @property
    def held(self) -> int:
        """Bytes of memory."""
        return len(self._memory) * self._size

    @property
    def spilled(self) -> int:
        """Bytes of its temporary file."""
        return (len(self._slots) + len(self._free)) * self._size

    def __len__(self) -> int:
        return len(self._memory) + len(self._slots)

    def at(self, k: int) -> Tensor:
        """Iterate k, ``[B, C, *space]`` on the CPU. Raises InputError where it is not there."""
        with self.pool.lock:
            if k in self._memory:
                return self._memory[k]
            if k not in self._slots:
                kept = ", ".join(map(str, self.ks[:6])) or "none"
                raise InputError(f"The iterate {k} was not kept. There are {kept}{'...' * (len(self) > 6)}.")
            assert self._file is not None
            self._file.seek(self._slots[k] * self._size)
            content = bytearray(self._file.read(self._size))
        return torch.frombuffer(content, dtype=self._dtype).reshape(self._shape)

    def nearest(self, k: float) -> int:
        """The kept iteration that is nearest to k. Raises InputError where none is there."""
        ks = self.ks
        if not ks:
            raise InputError("No iterates were kept: there is no room for one, or the run has not begun.")
        return min(ks, key=lambda kept: abs(kept - k))

    def best(self, name: str = "psnr") -> int | None:
        """The iteration of highest PSNR, which is always kept; None where there is no truth to tell."""
        if name not in BEST:
            raise InputError(f"Iterates are the best by {' or '.join(BEST)}, got {name!r:.40}.")
        return self._best.get(name)

    def history(self) -> tuple[dict[str, Any], ...]:
        """The numbers of all iterates, as rows with their ``k``."""
        with self.pool.lock:
            return tuple({"k": k, **row} for k, row in sorted(self.scalars.items()))

"""Measuring what a job costs: time and peak memory."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psutil

from napari_mlpatch.torch_later import torch

from .heap import give_back

SAMPLE_SECONDS = 0.01
_lock = threading.RLock()
_active: list[Meter] = []
_makers = 0
"""How many make something ``apart`` now."""


class Meter:
    """Seconds, and the peak of memory above the level at the start, of the code inside a ``with`` block.

    On a GPU the peak is the allocator's. On the CPU it is that of the process's resident memory, which Linux keeps
    itself, and which is sampled every 10 ms elsewhere; other work of the same process counts as well. What earlier work
    has left in the allocator is given back first (with glibc), so that memory that is used again counts. What is made
    ``apart`` does not count, and stands in ``aside``: so the peak does not depend on whether it was there already.
    """

    def __init__(self, device: torch.device):
        self._device = device
        self._stop = threading.Event()
        self._peak = self._base = self.aside = 0
        self._before: int | None = None
        self._ended: float | None = None

    def __enter__(self) -> Meter:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            with _lock:
                self._base = self._peak = torch.cuda.memory_allocated(self._device)
                _active.append(self)
        else:
            give_back()
            with _lock:
                is_kept = _start_again()
                self._base = self._peak = resident()
                _active.append(self)
            if not is_kept:
                threading.Thread(target=self._sample, daemon=True, name="mlpatch-meter").start()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = self.seconds
        self._stop.set()
        with _lock:
            self._see(self._highest())
            _active.remove(self)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start if self._ended is None else self._ended

    @property
    def peak_bytes(self) -> int:
        if self._ended is None:
            self._see(self._highest())
        return self._peak - self._base

    def _see(self, size: int) -> None:
        if self._before is None:  # else something is made apart
            self._peak = max(self._peak, size)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            with _lock:
                if not _makers:
                    self._see(resident())

    def _highest(self) -> int:
        is_gpu = self._device.type == "cuda"
        return torch.cuda.max_memory_allocated(self._device) if is_gpu else _highest()

    def _level(self) -> int:
        return torch.cuda.memory_allocated(self._device) if self._device.type == "cuda" else resident()

    def _move(self, level: int) -> None:
        """Go on from another level, as if it had grown before the start."""
        grown, self._before = level - (self._before or 0), None
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        self._base, self._peak, self.aside = self._base + grown, self._peak + grown, self.aside + grown


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """What is made meanwhile and stays counts for no meter, nor does what its making takes.

    Tables of an operator are there when the next run comes, which must not seem to need less than the first one.
    """
    global _makers
    with _lock:
        _makers += 1
        if _makers == 1:
            for meter in _active:
                meter._see(meter._highest())
            if any(meter._device.type != "cuda" for meter in _active):
                give_back()  # what is free already, or it would seem that the making had freed it
            for meter in _active:
                meter._before = meter._level()  # from now on it does not look
    try:
        yield
    finally:
        with _lock:
            _makers -= 1
            moved = [meter for meter in _active if meter._before is not None] if _makers == 0 else []
            if any(meter._device.type != "cuda" for meter in moved):
                give_back()
                _forget_highest()
            for meter in moved:
                meter._move(meter._level())


def resident() -> int:
    """Bytes of memory that the process has now."""
    return psutil.Process().memory_info().rss


def _highest() -> int:
    """The most that the process had since ``_start_again``; what it has now where the system does not keep that."""
    try:
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration, ValueError):
        return resident()


def _start_again() -> bool:
    """Let the system's peak start from now, for all meters; whether it keeps one."""
    highest = _highest()
    for meter in _active:
        meter._see(highest)
    return _forget_highest()


def _forget_highest() -> bool:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return False
    return _highest() - resident() < 1 << 20

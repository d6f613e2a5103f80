"""Measuring what a job costs: time and peak memory."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time

import psutil

from napari_mlpatch.torch_later import torch


class Meter:
    """Seconds, and the peak of memory above the level at the start, of the code inside a ``with`` block.

    On a GPU the peak is the allocator's; on the CPU it is the process's resident memory, sampled every 10 ms, so other
    work of the same process counts as well. What earlier work has left in the allocator is given back first (Linux).
    """

    def __init__(self, device: torch.device):
        self._device = device
        self._stop = threading.Event()
        self._peak = self._base = 0

    def __enter__(self) -> Meter:
        self._start = time.perf_counter()
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._base = torch.cuda.memory_allocated(self._device)
        else:
            _trim()
            self._base = self._peak = psutil.Process().memory_info().rss
            self._sampler = threading.Thread(target=self._sample, daemon=True, name="mlpatch-meter")
            self._sampler.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    @property
    def peak_bytes(self) -> int:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) - self._base
        return max(self._peak, psutil.Process().memory_info().rss) - self._base

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(0.01):
            self._peak = max(self._peak, process.memory_info().rss)


def _trim() -> None:
    """Else a job that reuses freed memory would seem to need none."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)

"""Time and memory of a piece of work."""

import platform
import time

import pytest
import torch

from napari_mlpatch.core.meter import Meter


def test_peak_and_seconds():
    with Meter(torch.device("cpu")) as meter:
        large = torch.ones(30_000_000)  # 120 MB
        time.sleep(0.1)
        del large
    assert 90e6 < meter.peak_bytes < 400e6
    assert meter.seconds > 0.1


def test_nothing_costs_next_to_nothing():
    with Meter(torch.device("cpu")) as meter:
        pass
    assert 0 <= meter.peak_bytes < 50e6


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives freed memory back when asked")
def test_memory_that_is_reused_counts():
    pieces = [torch.ones(4096) for _ in range(20_000)]  # 330 MB of the heap, which malloc keeps
    del pieces[:-1]
    with Meter(torch.device("cpu")) as meter:
        again = [torch.ones(4096) for _ in range(8_000)]  # 130 MB
        time.sleep(0.1)
    assert len(again) == 8000 and meter.peak_bytes > 90e6

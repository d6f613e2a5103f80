"""Time and memory of a piece of work."""

import time

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

"""Time and memory of a piece of work."""

import platform
import threading
import time

import pytest
import torch

from napari_mlpatch.core.meter import Meter, apart


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


def test_what_is_made_apart_does_not_count():
    with Meter(torch.device("cpu")) as meter:
        with apart():
            kept = torch.ones(10_000_000)  # 40 MB, and while it is made 120 MB more
            del_me = torch.ones(30_000_000)
            with apart():
                del del_me
        assert meter.peak_bytes < 20e6 and 30e6 < meter.aside < 60e6
        own = torch.ones(15_000_000)  # 60 MB
        del own
    assert 45e6 < meter.peak_bytes < 90e6 and len(kept) == 10_000_000


def test_threads_that_make_things_at_once_do_not_wait_for_each_other():
    """The first one goes on only after the second one is done."""
    first, second = threading.Event(), threading.Event()

    def make():
        first.wait(60)
        with apart():
            second.set()

    other = threading.Thread(target=make)
    other.start()
    with Meter(torch.device("cpu")) as meter:
        with apart():
            first.set()
            assert second.wait(60)
        other.join(60)
    assert meter.peak_bytes < 50e6

"""The worker threads without a window."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, time, torch
from napari_mlpatch.gui.jobs import Latest

def compute():
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        torch.randn(300, 300) @ torch.randn(300, 300)
    print("ended", flush=True)

Latest(lambda act: None).call("key", compute, lambda answer: None, lambda error: None)
time.sleep(0.2)
"""


def test_python_ends_after_the_threads_do():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")

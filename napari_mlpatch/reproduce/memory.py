"""How much memory a denoiser takes, measured in a process of its own, where nothing was allocated before."""

from __future__ import annotations

import functools
import subprocess
import sys

from napari_mlpatch import weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.meter import Meter
from napari_mlpatch.denoisers import denoiser
from napari_mlpatch.torch_later import torch


@functools.cache
def peak_mib(name: str, rows: int, columns: int) -> float:
    """MiB of resident memory above that of the program with the weights loaded, image and result included.

    ``name`` is "tv" or that of weights. Raises InputError where the process fails.
    """
    code = f"from {__name__} import _measure; print(_measure({name!r}, {rows}, {columns}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"The memory of {name} could not be measured: {done.stderr.strip()[-200:]}")
    return float(done.stdout)


def _measure(name: str, rows: int, columns: int) -> float:
    denoise = denoiser("tv") if name == "tv" else denoiser("network", weights.find(name))
    with torch.inference_mode(), Meter(torch.device("cpu")) as meter:
        denoise(torch.rand(1, 1, rows, columns), 0.1)
        return meter.peak_bytes / 2**20

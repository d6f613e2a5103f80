"""The ramp filter of filtered back-projection, and its windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from napari_mlpatch.core.arguments import is_number
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor, torch

WINDOWS = ("ramp", "shepp-logan", "cosine", "hamming", "hann")
Window = Literal["ramp", "shepp-logan", "cosine", "hamming", "hann"]


def check_filter(window: Any, cutoff: Any) -> None:
    """Raises InputError for windows and cut-off frequencies that there are not."""
    if not isinstance(window, str) or window not in WINDOWS:
        raise InputError(f"Unknown filter window {window!r:.60}. Known: {', '.join(WINDOWS)}.")
    if not is_number(cutoff) or not 1e-6 <= cutoff < math.inf:
        raise InputError(f"The cut-off is a share of the Nyquist frequency, above 0, got {cutoff!r:.60}.")


def ramp_filter(size: int, window: Window, cutoff: float) -> np.ndarray:
    """The band-limited ramp of Kak & Slaney (1988, eq. 61) times a window, at the frequencies of ``rfft``.

    For samples one apart and data of at most half the ``size``; ``cutoff`` is relative to the Nyquist frequency.
    """
    offset = np.minimum(np.arange(size), size - np.arange(size))
    ramp = np.where(offset % 2 == 1, -1.0 / (math.pi * np.maximum(offset, 1)) ** 2, 0.0)
    ramp[0] = 0.25
    return np.fft.rfft(ramp).real * filter_window(np.fft.rfftfreq(size) / (0.5 * cutoff), window)


def filter_window(f: np.ndarray, window: Window) -> np.ndarray:
    """The windows of filtered back-projection at a frequency relative to the cut-off; zero beyond it."""
    check_filter(window, 1.0)
    inside = np.abs(f) <= 1.0
    values = {
        "ramp": np.ones_like(f),
        "shepp-logan": np.sinc(f / 2.0),
        "cosine": np.cos(math.pi * f / 2.0),
        "hamming": 0.54 + 0.46 * np.cos(math.pi * f),
        "hann": 0.5 + 0.5 * np.cos(math.pi * f),
    }
    return values[window] * inside


def row_filter(response: np.ndarray, size: int, like: Tensor) -> Callable[[Tensor], Tensor]:
    """Multiplies the spectra of rows ``[..., n]``, n up to ``size``, by a ``response`` at the frequencies of ``rfft``.

    For a tensor's device and precision. It gives ``[..., size]``: what wraps round is at the end, or is the caller's.
    """
    kind = torch.promote_types(like.dtype, torch.complex32) if np.iscomplexobj(response) else like.dtype
    table = torch.as_tensor(response, device=like.device).to(kind)
    return lambda rows: torch.fft.irfft(torch.fft.rfft(rows, n=size) * table, n=size)

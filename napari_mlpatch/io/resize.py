"""Images with another number of pixels."""

from __future__ import annotations

import numpy as np


def resize(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The image ``[rows, columns]`` on other pixels, each the mean over its area: soft edges, and the mean is kept."""
    down, across = (_overlap(old, new) for old, new in zip(image.shape, shape, strict=True))
    return np.ascontiguousarray(down @ image @ across.T, dtype=np.float32)


def _overlap(old: int, new: int) -> np.ndarray:
    """``[new, old]``: the part of each new pixel that each old one covers."""
    start = np.arange(new)[:, None] * (old / new)
    left, right = np.maximum(start, np.arange(old)), np.minimum(start + old / new, np.arange(old) + 1)
    return np.maximum(right - left, 0) * (new / old)

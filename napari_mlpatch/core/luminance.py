"""Grey of colours."""

from __future__ import annotations

import numpy as np

WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601)."""


def luminance(picture: np.ndarray) -> np.ndarray:
    """Grey float32 ``[..., rows, columns]`` of a colour picture ``[..., rows, columns, 3 or 4]``, in its units.

    Y = 0.299 R + 0.587 G + 0.114 B; opacity counts for nothing.
    """
    return picture[..., :3].astype(np.float32) @ np.array(WEIGHTS, np.float32)

"""Grey of colours."""

from __future__ import annotations

import numpy as np

WEIGHTS = (0.2125, 0.7154, 0.0721)
"""Of red, green and blue (ITU-R BT.709, as in scikit-image)."""
NOTE = "colour converted to grey (Rec. 709 luminance)"


def luminance(picture: np.ndarray) -> np.ndarray:
    """Grey float32 ``[rows, columns]`` of a colour picture ``[rows, columns, 3 or 4]``, in its units.

    Y = 0.2125 R + 0.7154 G + 0.0721 B; opacity counts for nothing. Some rows at a time: as real numbers, the colours
    of the whole picture take twelve times as much memory.
    """
    grey, weights = np.empty(picture.shape[:2], np.float32), np.array(WEIGHTS, np.float32)
    for top in range(0, len(picture), 256):
        grey[top : top + 256] = np.ascontiguousarray(picture[top : top + 256, :, :3], np.float32) @ weights
    return grey

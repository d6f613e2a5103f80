"""Values of a picture along a line."""

from __future__ import annotations

import math

import numpy as np

Point = tuple[float, float]
"""Row and column, in pixels; pixel centres are at whole numbers."""


def positions(start: Point, end: Point) -> np.ndarray:
    """Samples ``[n, 2]`` evenly from ``start`` to ``end``, both included, about a pixel apart: n = ceil(length + 1)."""
    n = math.ceil(math.dist(start, end) + 1)
    return np.stack([np.linspace(a, b, n) for a, b in zip(start, end, strict=True)], axis=1)


def line_profile(picture: np.ndarray, start: Point, end: Point) -> np.ndarray:
    """Values ``[n]`` of a picture ``[rows, columns]`` at ``positions``, by bilinear interpolation; outside it NaN."""
    from scipy.ndimage import map_coordinates

    at = positions(start, end).T
    return map_coordinates(picture, at, output=np.float64, order=1, mode="constant", cval=np.nan)


def distances(start: Point, end: Point, scale: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """How far each of ``positions`` is from ``start``, in the unit of ``scale``, the sides of a pixel."""
    length = math.hypot((end[0] - start[0]) * scale[0], (end[1] - start[1]) * scale[1])
    return np.linspace(0.0, length, len(positions(start, end)))

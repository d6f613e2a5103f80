"""The slow readable parallel-beam projector: exact areas of pixels inside detector strips, as a matrix.

Seen at angle theta, a square pixel of side p is the convolution of two boxes of widths ``p |cos|`` and ``p |sin|``: a
trapezoid of area p² about the pixel centre's bin coordinate ``s = x cos(theta) - r sin(theta)``, x to the right and r
downwards from the middle of the image. Detector bin j sees the part of it between its two edges.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse


def trapezoid_integral(t, side, theta):
    """Area of a pixel's shadow below the coordinate ``t``, measured from the pixel's centre."""
    wide, narrow = sorted((side * abs(np.cos(theta)), side * abs(np.sin(theta))), reverse=True)
    outer, inner, height = (wide + narrow) / 2, (wide - narrow) / 2, side**2 / wide
    u = np.minimum(np.abs(t), outer)
    flat = side**2 / 2 - height * u
    slope = height * (outer - u) ** 2 / (2 * max(narrow, 1e-12 * side))
    beyond = np.where(u < inner, flat, slope)
    return np.where(t < 0, beyond, side**2 - beyond)


def strip_matrix(image_shape, angles_deg, bins, pitch=1.0, pixel=1.0, center=None):
    """Sparse ``[angles * bins, rows * columns]``: mean over each bin of the line integrals of each pixel."""
    rows, columns = image_shape
    center = (bins - 1) / 2 if center is None else center
    r = (np.arange(rows)[:, None] - (rows - 1) / 2) * pixel
    x = (np.arange(columns)[None, :] - (columns - 1) / 2) * pixel
    blocks = []
    for theta in np.radians(angles_deg):
        s = (x * np.cos(theta) - r * np.sin(theta)).ravel()
        reach = pixel * (abs(np.cos(theta)) + abs(np.sin(theta))) / 2
        first = np.floor((s - reach) / pitch + center + 0.5).astype(int)
        found = []
        for j in (first + step for step in range(int(2 * reach / pitch) + 2)):
            left = (j - center - 0.5) * pitch - s
            area = trapezoid_integral(left + pitch, pixel, theta) - trapezoid_integral(left, pixel, theta)
            seen = (j >= 0) & (j < bins)
            found.append((area[seen] / pitch, (j[seen], np.flatnonzero(seen))))
        values, (j, pixels) = (np.concatenate(v, axis=-1) for v in zip(*found, strict=True))
        blocks.append(scipy.sparse.csr_matrix((values, (j, pixels)), shape=(bins, rows * columns)))
    return scipy.sparse.vstack(blocks).tocsr()

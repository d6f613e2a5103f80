"""Scans of Gaussian blobs from their formula, for any position of detector and axis."""

import numpy as np

BLOBS = (
    (1.0, 9.0, 2.0, 6.0, 5.0),
    (0.7, -12.0, 4.0, 11.0, 3.5),
    (0.5, 3.0, -14.0, 15.0, 4.0),
    (1.2, -3.0, -3.0, 9.0, 7.0),
)
"""Value, x, row, height and standard deviation, in bins from the axis; along it they are five times as long."""


def projections(angles_deg, rows, bins, center, tilt_deg=0.0, middle=None):
    """``[rows, angles, bins]``: line integrals where the axis is at ``center`` at the row ``middle``, and leans."""
    theta = np.deg2rad(angles_deg)[:, None]
    z, s = np.meshgrid(np.asarray(rows, float), np.arange(float(bins)), indexing="ij")
    middle = 0.0 if middle is None else middle
    angle = np.deg2rad(tilt_deg)
    height = middle + (z - middle) * np.cos(angle) + (s - center) * np.sin(angle)
    across = -(z - middle) * np.sin(angle) + (s - center) * np.cos(angle)
    y = np.zeros((len(rows), len(theta), bins))
    for value, x, row, at, sigma in BLOBS:
        offset = across[:, None] - (x * np.cos(theta) - row * np.sin(theta))
        squares = offset**2 + ((height[:, None] - at) / 5) ** 2
        y += value * np.sqrt(2 * np.pi) * sigma * np.exp(-squares / (2 * sigma**2))
    return y.astype(np.float32)

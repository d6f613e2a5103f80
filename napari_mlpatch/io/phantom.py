"""The modified Shepp-Logan phantom, from its ellipses."""

from __future__ import annotations

import numpy as np

# Toft, "The Radon Transform" (1996), table B.3: value, semi-axes a and b, centre x and y (up), angle in degrees, on
# the square from -1 to 1. Values are higher in contrast than Shepp and Logan's own (1974).
ELLIPSES = (
    (1.0, 0.69, 0.92, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18.0),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18.0),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0.0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0.0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0.0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0.0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0.0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0.0),
)


def shepp_logan(size: int, oversampling: int = 4) -> np.ndarray:
    """The phantom on ``size`` x ``size`` pixels, float32, values 0 to 1, each the mean over its pixel's area.

    Area means, over ``oversampling``² points, make edges as soft as a detector with such pixels would see them.
    """
    points = size * oversampling
    x = (np.arange(points, dtype=np.float32) + 0.5) * np.float32(2 / points) - 1
    image = np.zeros((points, points), np.float32)
    for value, a, b, x0, y0, angle in ELLIPSES:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        across, up = x[None, :] - np.float32(x0), -x[:, None] - np.float32(y0)
        inside = ((across * c + up * s) / a) ** 2 + ((up * c - across * s) / b) ** 2 <= 1
        image[inside] += np.float32(value)
    mean = image.reshape(size, oversampling, size, oversampling).mean(axis=(1, 3))
    return np.clip(mean, 0, 1)

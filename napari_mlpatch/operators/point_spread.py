"""Point spread functions. All are ``[rows, columns]`` of odd sizes, float64, non-negative, and sum to one."""

from __future__ import annotations

import math

import numpy as np

FINE = 64  # samples of a path for each pixel
RIM = 16  # squared: samples of a pixel that is partly covered


def gaussian(std: float) -> np.ndarray:
    """A Gaussian at the pixels' centres up to 4 standard deviations (pixels), as in ``scipy.ndimage``."""
    radius = int(4.0 * std + 0.5)
    line = np.exp(-0.5 * (np.arange(-radius, radius + 1) / std) ** 2)
    return _normalised(np.outer(line, line))


def box(half: float) -> np.ndarray:
    """A square of side ``2 half`` (pixels); pixels at its rim by their covered share."""
    radius = math.ceil(half - 0.5)
    line = np.clip(half + 0.5 - np.abs(np.arange(-radius, radius + 1)), 0.0, 1.0)
    return _normalised(np.outer(line, line))


def disk(radius: float) -> np.ndarray:
    """A lens out of focus: a disk of this radius (pixels); pixels at its rim by their covered share."""
    reach = math.ceil(radius - 0.5)
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    values = (np.hypot(row, column) < radius).astype(float)
    rim = np.abs(np.hypot(row, column) - radius) < 1.0
    inside = (np.arange(RIM) + 0.5) / RIM - 0.5
    away = np.hypot(row[rim, None, None] + inside[:, None], column[rim, None, None] + inside)
    values[rim] = (away < radius).mean((1, 2))
    return _normalised(values)


def motion(half: float, angle_deg: float) -> np.ndarray:
    """Uniform motion along a line of length ``2 half`` (pixels); 0 degrees is horizontal, 90 vertical, 45 rising."""
    along = np.linspace(-half, half, FINE * (2 * math.ceil(half) + 1))
    angle = math.radians(angle_deg)
    return track(-along * math.sin(angle), along * math.cos(angle))


def shake(reach: float, seed: int) -> np.ndarray:
    """A hand-held camera: a smooth random path whose farthest point is ``reach`` pixels from its middle.

    The velocity is white noise, smoothed over a tenth of the exposure: slow parts are bright, as in measured kernels
    (Levin et al., CVPR 2009). Every seed gives another path.
    """
    count = 64 * FINE
    smooth = np.exp(-0.5 * (np.fft.rfftfreq(2 * count) * 2.0 * math.pi * 0.1 * count) ** 2)
    noise = np.random.default_rng(seed).standard_normal((2, 2 * count))
    velocity = np.fft.irfft(np.fft.rfft(noise) * smooth)[:, :count]
    path = np.cumsum(velocity, axis=1)
    path -= path.mean(axis=1, keepdims=True)
    path *= reach / np.hypot(*path).max()
    return track(*path)


def track(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What a point leaves that is at each of these places (pixels from the middle) for the same time: bilinear."""
    radius = math.ceil(max(np.abs(rows).max(), np.abs(columns).max()) - 1e-9)
    kernel = np.zeros((2 * radius + 2, 2 * radius + 2))
    row, column = rows + radius, columns + radius
    r, c = np.floor(row).astype(int), np.floor(column).astype(int)
    for i, a in ((0, 1.0 - (row - r)), (1, row - r)):
        for j, b in ((0, 1.0 - (column - c)), (1, column - c)):
            np.add.at(kernel, (r + i, c + j), a * b)
    return _normalised(kernel[:-1, :-1])


def _normalised(kernel: np.ndarray) -> np.ndarray:
    return kernel / kernel.sum()

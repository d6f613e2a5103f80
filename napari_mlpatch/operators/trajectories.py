"""Where k-space and the uv plane are sampled: ``[samples, 2]`` in radians per pixel along (rows, columns).

A grid of pixels tells frequencies apart between -pi and pi.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Frequencies = NDArray[np.floating]

GOLDEN = math.pi * (math.sqrt(5.0) - 1.0) / 2.0  # 111.25 degrees
VLA_POWER = 1.716
"""Antennas of a Y lie at distances that grow like i to this power (Thompson et al., ApJS 44, 1980)."""


def check_frequencies(values: NDArray[np.generic], what: str) -> Frequencies:
    """The frequencies ``[..., 2]`` as float64. Raises ValueError for other shapes and for what is outside the grid."""
    if values.ndim < 2 or values.shape[-1] != 2 or values.dtype.kind not in "uif":
        raise ValueError(f"{what} must be real numbers [samples, 2], got {values.dtype} of shape {list(values.shape)}")
    omega = values.astype(np.float64)
    outside = (np.abs(omega) > math.pi * (1.0 + 1e-6)).any(-1)
    if outside.any():
        raise ValueError(
            f"{what}: {int(outside.sum())} of {outside.size} samples lie outside the grid, the farthest at "
            f"{np.abs(omega).max():.4g} radians per pixel. Frequencies go from -pi to pi: use smaller pixels, leave "
            "these samples out, or check the unit"
        )
    return omega


def radial(spokes: int, readout: int, *, golden: bool = False) -> Frequencies:
    """``[spokes, readout, 2]``: lines through zero, from -pi to pi (excluded), zero at ``readout // 2``.

    At equal angles over half a turn, or each a golden angle (111.25 degrees) after the other (Winkelmann et al.,
    IEEE Trans. Med. Imaging 26, 2007). Angle 0 runs along the columns' axis.
    """
    step = GOLDEN if golden else math.pi / spokes
    angles = np.arange(spokes) * step
    k = (np.arange(readout) - readout // 2) * (2.0 * math.pi / readout)
    return np.stack([np.sin(angles)[:, None] * k, np.cos(angles)[:, None] * k], axis=-1)


def spiral(interleaves: int, readout: int, turns: float) -> Frequencies:
    """``[interleaves, readout, 2]``: Archimedean spirals from zero to pi, samples at equal distances along them.

    ``k = pi s exp(2 pi i (turns s + j / interleaves))``, s from 0 to 1 (Glover, Magn. Reson. Med. 42, 1999, without the
    limits of gradients).
    """
    fine = np.linspace(0.0, 1.0, 64 * max(readout, 64))
    length = spiral_length(fine, turns)
    s = np.interp(np.linspace(0.0, length[-1], readout), length, fine)
    phase = 2.0 * math.pi * (turns * s + (np.arange(interleaves) / interleaves)[:, None])
    return math.pi * np.stack([s * np.sin(phase), s * np.cos(phase)], axis=-1)


def spiral_length(s: NDArray[np.floating] | float, turns: float) -> NDArray[np.floating]:
    """Length of a spiral from zero to s, in units of pi: the integral of ``sqrt(1 + (2 pi turns s)²)``."""
    a = 2.0 * math.pi * turns
    return 0.5 * (s * np.sqrt(1.0 + np.square(a * np.asarray(s))) + np.arcsinh(a * np.asarray(s)) / a)


def gaussian(samples: int, sigma: float, seed: int) -> Frequencies:
    """``[samples, 2]``: normally distributed with standard deviation sigma, drawn again where outside the grid."""
    rng = np.random.default_rng(seed)
    omega = rng.normal(scale=sigma, size=(samples, 2))
    while (outside := (np.abs(omega) > math.pi).any(-1)).any():
        omega[outside] = rng.normal(scale=sigma, size=(int(outside.sum()), 2))
    return omega


def antenna_layout(antennas: int, kind: Literal["y", "spiral"], seed: int) -> NDArray[np.float64]:
    """East and north of each antenna, ``[antennas, 2]``, the farthest about 1 from the middle.

    "y": three arms as of the VLA. "spiral": three logarithmic arms. Each is moved by 2 % at random, by the seed.
    """
    rng = np.random.default_rng(seed)
    arm, place = np.arange(antennas) % 3, np.arange(antennas) // 3 + 1
    share = place / place.max()
    distance = share**VLA_POWER if kind == "y" else np.exp(3.0 * (share - 1.0))
    angle = math.radians(5.0) + arm * 2.0 * math.pi / 3.0 + (0.0 if kind == "y" else 1.5 * math.pi * share)
    layout = distance[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return layout + 0.02 * share[:, None] * rng.normal(size=(antennas, 2))


def uv_tracks(
    layout: NDArray[np.float64], *, hours: float, snapshots: int, declination_deg: float, latitude_deg: float
) -> Frequencies:
    """``[pairs * snapshots, 2]``: the tracks that Earth's rotation draws for each pair, (v, u) in units of the layout.

    Around transit, from hour angle -hours / 2 to hours / 2 (Thompson, Moran & Swenson, Interferometry and Synthesis in
    Radio Astronomy, 2017, eq. 4.1 and 4.4). w is left out: the field of view is small.
    """
    latitude, declination = math.radians(latitude_deg), math.radians(declination_deg)
    first, second = np.triu_indices(len(layout), 1)
    east, north = (layout[second] - layout[first]).T[..., None]
    X, Y, Z = -math.sin(latitude) * north, east, math.cos(latitude) * north
    H = (np.arange(snapshots) - (snapshots - 1) / 2.0) * (math.radians(15.0 * hours) / max(snapshots, 1))
    u = np.sin(H) * X + np.cos(H) * Y
    v = math.sin(declination) * (np.sin(H) * Y - np.cos(H) * X) + math.cos(declination) * Z
    return np.stack([v, u], axis=-1).reshape(-1, 2)


def within_grid(uv: Frequencies, extent: float) -> Frequencies:
    """Baselines scaled so that the longest one reaches the share ``extent`` of the grid, in radians per pixel."""
    return uv * (extent * math.pi / np.hypot(*uv.T).max())

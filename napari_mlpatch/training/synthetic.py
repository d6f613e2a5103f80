"""Images that are drawn at random, with values in 0..1."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def ellipses(size: int, random: np.random.Generator) -> np.ndarray:
    """A body with organs: a large smooth ellipse, smaller ones of other densities inside, and small inserts."""
    x = np.zeros((size, size))
    _ellipse(x, random.uniform(0.3, 0.6), (0, 0), random.uniform(0.6, 0.95, 2), random.uniform(0, math.pi))
    for _ in range(random.poisson(12)):
        axes = random.exponential(0.15, 2) + 0.02
        _ellipse(x, random.normal(0, 0.15), random.uniform(-0.6, 0.6, 2), axes, random.uniform(0, math.pi))
    for _ in range(random.poisson(15)):
        _ellipse(x, random.normal(0, 0.3), random.uniform(-0.7, 0.7, 2), random.uniform(0.01, 0.06, 2), 0.0)
    return np.clip(x, 0, 1)


def dead_leaves(size: int, random: np.random.Generator) -> np.ndarray:
    """Discs that cover each other, with radii of density r^-3 (Lee, Mumford & Huang 2001): statistics of photographs.

    Each carries a linear shade and a little texture.
    """
    x = np.full((size, size), random.uniform())
    rows, columns = np.mgrid[:size, :size]
    low, high = 1.5, size / 3
    for _ in range(3 * size):
        r = 1 / math.sqrt(random.uniform(1 / high**2, 1 / low**2))
        row, column = random.uniform(-r, size + r, 2)
        window = _window(size, row, r), _window(size, column, r)
        d = np.hypot(rows[window] - row, columns[window] - column)
        cover = np.clip(r - d + 0.5, 0, 1)
        slope = random.normal(0, 0.15, 2) / r
        shade = random.uniform() + slope[0] * (rows[window] - row) + slope[1] * (columns[window] - column)
        if random.uniform() < 0.3:
            shade = shade + random.normal(0, random.uniform(0, 0.1), d.shape)
        x[window] += cover * (shade - x[window])
    return np.clip(x, 0, 1)


def log_normal(size: int, random: np.random.Generator) -> np.ndarray:
    """exp of a Gaussian random field with a power-law spectrum, scaled to 0..1: like maps of projected mass."""
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij"))
    k[0, 0] = np.inf
    field = np.fft.irfft2(
        np.fft.rfft2(random.normal(size=(size, size))) * k ** (-random.uniform(1.0, 2.0)), (size, size)
    )
    x = np.exp(random.uniform(0.5, 1.2) * field / field.std())
    return np.clip(x / np.quantile(x, 0.999), 0, 1)


GENERATORS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "ellipses": ellipses,
    "dead-leaves": dead_leaves,
    "log-normal": log_normal,
}


def draw(kind: str, count: int, size: int, colours: int, seed: int) -> list[np.ndarray]:
    """``count`` images ``[colours, size, size]``, float32. Colours are mixtures of two drawings."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        first = GENERATORS[kind](size, random)
        if colours == 1:
            found.append(first[None].astype(np.float32))
            continue
        share = random.uniform(0, 1, (colours, 1, 1))
        found.append((share * first + (1 - share) * GENERATORS[kind](size, random)).astype(np.float32))
    return found


def _window(size: int, centre: float, r: float) -> slice:
    return slice(max(0, math.floor(centre - r - 1)), max(0, min(size, math.ceil(centre + r + 2))))


def _ellipse(x: np.ndarray, value: float, centre: np.ndarray | tuple, axes: np.ndarray, angle: float) -> None:
    """Add a value inside an ellipse with an edge that is one pixel soft; the image spans -1..1."""
    axis = np.linspace(-1, 1, len(x))
    u, v = axis[:, None] - centre[0], axis[None, :] - centre[1]
    a, b = u * math.cos(angle) + v * math.sin(angle), v * math.cos(angle) - u * math.sin(angle)
    distance = (1 - np.hypot(a / axes[0], b / axes[1])) * axes.min() * len(x) / 2
    x += value * np.clip(distance + 0.5, 0, 1)

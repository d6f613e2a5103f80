"""A convergence map to simulate weak lensing from: a random field with the clumps of a real one, made by code."""

from __future__ import annotations

import numpy as np

LARGEST_SHIFT = 0.03  # the convergence of an empty line of sight is minus this


def mass_map(size: int, seed: int = 0) -> np.ndarray:
    """A periodic log-normal convergence map on ``size`` x ``size`` pixels, float32, of mean zero, no unit.

    ``kappa = 0.03 (exp(g) / mean - 1)``, where g is Gaussian of standard deviation 0.65 and power
    ``P(k) ∝ exp(-k² / 40²) (k² + 4²)^-1.2``, k in waves over the field. Log-normal fields have about the
    peaks and voids of simulated convergence maps (Hilbert, Hartlap & Schneider, Astronomy & Astrophysics 536, 2011).
    """
    random = np.random.default_rng(seed)
    k = np.fft.fftfreq(size, 1.0 / size)
    k2 = k[:, None] ** 2 + k[None, :] ** 2
    amplitude = np.exp(-k2 / (2.0 * 40.0**2)) / (k2 + 4.0**2) ** 0.6
    amplitude[0, 0] = 0.0
    g = np.fft.ifft2(amplitude * np.fft.fft2(random.standard_normal((size, size)))).real
    clumps = np.exp(0.65 * g / g.std())
    kappa = LARGEST_SHIFT * (clumps / clumps.mean() - 1.0)
    return kappa.astype(np.float32)

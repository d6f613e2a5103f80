"""The convergence map to simulate from: its moments, its power, and that it is always the same."""

import numpy as np
import pytest

from napari_mlpatch.io.mass_map import LARGEST_SHIFT, mass_map


def test_moments():
    kappa = mass_map(256)
    assert kappa.dtype == np.float32 and kappa.shape == (256, 256)
    assert abs(kappa.mean()) < 1e-6 and kappa.min() > -LARGEST_SHIFT
    assert kappa.std() == pytest.approx(LARGEST_SHIFT * np.sqrt(np.exp(0.65**2) - 1), rel=0.05)  # log-normal
    assert kappa.max() > 5 * kappa.std()


def test_its_logarithm_has_the_power_that_it_says():
    g = np.log(mass_map(256, seed=3) / LARGEST_SHIFT + 1)
    power = np.abs(np.fft.fft2(g)) ** 2
    k = np.fft.fftfreq(256, 1 / 256)
    k2 = k[:, None] ** 2 + k[None, :] ** 2
    expected = np.exp(-k2 / 40**2) * (k2 + 16.0) ** -1.2
    rings = [(k2 >= low**2) & (k2 < (low + 5) ** 2) for low in (5, 15, 30, 50)]
    measured = np.array([power[ring].mean() / expected[ring].mean() for ring in rings])
    assert np.allclose(measured / measured.mean(), 1, atol=0.25)


def test_seeds():
    assert np.array_equal(mass_map(32), mass_map(32))
    assert not np.allclose(mass_map(32), mass_map(32, seed=1))

"""Kernels against their moments and against scipy's Gaussian."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_mlpatch.operators import point_spread


def moments(kernel):
    """Mass, centre of mass from the middle pixel, and second moments about it (rows, columns, mixed)."""
    row, column = np.indices(kernel.shape) - (np.array(kernel.shape) // 2)[:, None, None]
    first = [float((kernel * v).sum()) for v in (row, column)]
    return (
        kernel.sum(),
        first,
        [float((kernel * a * b).sum()) for a, b in ((row, row), (column, column), (row, column))],
    )


@pytest.mark.parametrize("std", [0.3, 1.0, 2.7])
def test_gaussian_is_that_of_scipy(std):
    kernel = point_spread.gaussian(std)
    n = kernel.shape[0]
    impulse = np.zeros((n, n))
    impulse[n // 2, n // 2] = 1.0
    assert np.allclose(kernel, gaussian_filter(impulse, std, truncate=4.0, mode="constant"), atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (point_spread.box(1.5), [2 / 3, 2 / 3, 0]),  # three pixels of equal weight
        (point_spread.disk(6.3), [6.3**2 / 4 + 1 / 12, 6.3**2 / 4 + 1 / 12, 0]),
        (point_spread.motion(6.0, 0.0), [0, 12 + 1 / 6, 0]),
        (point_spread.motion(6.0, 90.0), [12 + 1 / 6, 0, 0]),
        (point_spread.motion(6.0, 45.0), [6 + 1 / 6, 6 + 1 / 6, -6]),  # rising: columns grow as rows fall
    ],
    ids=["box", "disk", "horizontal", "vertical", "rising"],
)
def test_moments(kernel, expected):
    mass, first, second = moments(kernel)
    assert mass == pytest.approx(1)
    assert np.allclose(first, 0, atol=1e-12)
    assert np.allclose(second, expected, atol=0.03)


def test_partly_covered_pixels():
    assert np.allclose(point_spread.box(1.0)[1], np.array([0.5, 1, 0.5]) / 4)
    areas = point_spread.disk(2.2) * math.pi * 2.2**2
    assert areas[2, 2] == pytest.approx(1, abs=2e-3) and 0 < areas[0, 1] < 1


@pytest.mark.parametrize("make", [point_spread.gaussian, point_spread.box, point_spread.disk])
def test_a_tiny_width_is_no_blur(make):
    assert np.array_equal(make(0.1), [[1.0]])


@pytest.mark.parametrize("seed", range(4))
def test_shake(seed):
    kernel = point_spread.shake(9.0, seed)
    mass, first, _ = moments(kernel)
    assert mass == pytest.approx(1) and (kernel >= 0).all()
    assert np.allclose(first, 0, atol=1e-9)
    assert np.array_equal(kernel, point_spread.shake(9.0, seed))
    assert not np.array_equal(kernel, point_spread.shake(9.0, seed + 4))
    distance = np.hypot(*(np.argwhere(kernel > 0) - np.array(kernel.shape) // 2).T)
    assert 8.0 < distance.max() < 11.0
    assert np.count_nonzero(kernel) < 0.5 * kernel.size  # a path, not a blot

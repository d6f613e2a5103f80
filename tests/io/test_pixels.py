"""The phantom and resizing keep areas."""

import numpy as np
import pytest

from napari_mlpatch.io.phantom import ELLIPSES, shepp_logan
from napari_mlpatch.io.resize import resize


@pytest.mark.parametrize("size", [64, 255, 400])
def test_the_phantom_has_the_mass_of_its_ellipses(size):
    image = shepp_logan(size)
    mass = sum(value * np.pi * a * b for value, a, b, *_ in ELLIPSES) / 4
    assert image.mean() == pytest.approx(mass, rel=2e-3)
    assert image.min() == 0 and image.max() == 1 and image.dtype == np.float32
    assert image[size // 2, size // 2] == pytest.approx(0.2, abs=1e-3)


def test_the_phantom_stands_upright():
    image = shepp_logan(200)
    assert image[60, 100] == pytest.approx(0.3, abs=1e-3)  # the large disc is above the middle
    assert image[160, 100] < 0.31 and image[100, 122] < 0.05  # the right ventricle
    assert np.abs(shepp_logan(50) - resize(image, (50, 50))).max() < 0.1


@pytest.mark.parametrize("shape", [(7, 9), (14, 18), (20, 5), (3, 3), (1, 1)])
def test_resizing_keeps_the_mean(shape):
    image = np.random.default_rng(0).random((7, 9)).astype(np.float32)
    assert resize(image, shape).mean() == pytest.approx(image.mean(), rel=1e-5)
    assert resize(np.ones((7, 9)), shape) == pytest.approx(np.ones(shape))


def test_whole_factors():
    image = np.random.default_rng(0).random((8, 12)).astype(np.float32)
    assert np.allclose(resize(image, (4, 3)), image.reshape(4, 2, 3, 4).mean(axis=(1, 3)))
    assert np.array_equal(resize(image, (8, 12)), image)

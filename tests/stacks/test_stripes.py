"""Stripes of a sinogram, against Algotom and against the sinogram without them."""

import numpy as np
import pytest
from algotom.prep import removal
from algotom.util.utility import detect_stripe

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.build.rings import remove_stripes
from napari_mlpatch.stacks import care
from napari_mlpatch.stacks.care.dead_stripes import without_dead_stripes
from napari_mlpatch.stacks.care.large_stripes import without_large_stripes
from napari_mlpatch.stacks.care.stripes import find_stripes

ANGLES = np.arange(0.0, 180.0, 1.5)


@pytest.fixture
def clean():
    """Line integrals up to 1 of a wide disc with smaller ones in it, and noise."""
    theta, s = np.deg2rad(ANGLES)[:, None], np.linspace(-1, 1, 160)
    y = 0.5 * np.sqrt(1.7 - s**2) + 0 * theta
    for x, row, radius in ((0.5, 0.2, 0.1), (-0.3, 0.5, 0.15), (0.1, -0.6, 0.08), (-0.5, -0.3, 0.2)):
        y += 0.5 * np.sqrt(np.maximum(radius**2 - (s - x * np.cos(theta) + row * np.sin(theta)) ** 2, 0))
    return (y + 0.01 * np.random.default_rng(0).standard_normal(y.shape)).astype(np.float32)


@pytest.fixture
def striped(clean):
    """A scratch seven bins wide."""
    y = clean.copy()
    y[:, 96:103] += np.array([0.1, 0.2, 0.3, 0.3, 0.3, 0.2, 0.1], np.float32)
    return y


@pytest.fixture
def dead(clean):
    """A bin that always reads the same, and one that fluctuates."""
    y = clean.copy()
    y[:, 40] = 0.4
    y[:, 70] += 0.3 * np.random.default_rng(1).standard_normal(len(y)).astype(np.float32)
    return y


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_sorting_is_algotoms(striped):
    ours, expected = remove_stripes(striped, 21), removal.remove_stripe_based_sorting(striped, 21)
    np.testing.assert_array_equal(np.sort(ours, axis=0), np.sort(expected, axis=0))
    assert np.mean(ours != expected) < 0.001  # equal values of a bin are in any order there, in that of the views here


@pytest.mark.parametrize("which", ["striped", "dead", "clean"])
def test_dead_stripes_are_algotoms(which, request):
    y = request.getfixturevalue(which)
    expected = removal.remove_dead_stripe(y, 3.0, 31, residual=False)
    np.testing.assert_allclose(without_dead_stripes(y, 31), expected, atol=2e-6)


def test_stripes_are_found_where_algotom_finds_them(striped):
    rng = np.random.default_rng(2)
    for _ in range(20):
        values = rng.standard_normal(200)
        values[rng.integers(0, 200, 5)] += rng.uniform(-12, 12, 5)
        np.testing.assert_array_equal(find_stripes(values, 3.0, 0.0), detect_stripe(values, 3.0) > 0)


def test_large_stripes_are_algotoms_of_the_transmission(striped):
    """Differences of logarithms are ratios to first order."""
    expected = -np.log(removal.remove_large_stripe(np.exp(-striped), 3.0, 31))
    assert rms(without_large_stripes(striped, 31) - expected) < 0.02 * rms(striped - expected)


def test_a_wide_stripe_goes_whatever_the_unit(striped, clean):
    mended = without_large_stripes(striped, 31)
    assert rms(mended - clean) < 0.25 * rms(striped - clean)
    np.testing.assert_allclose(without_large_stripes(1e3 * striped, 31), 1e3 * mended, rtol=1e-3, atol=0.5)


def test_dead_and_fluctuating_bins_are_filled_in(dead, clean):
    mended = without_dead_stripes(dead, 31)
    assert rms(mended - clean) < 0.1 * rms(dead - clean)
    np.testing.assert_array_equal(mended[:, :38], dead[:, :38])


def test_data_without_noise_stay_finite():
    flat = np.zeros((30, 64), np.float32)
    assert not care.apply(["dead-stripes", "large-stripes", "rings"], flat, ANGLES[:30])[0].any()
    flat[:, 20] = 1.0
    assert not care.apply(["large-stripes"], flat, ANGLES[:30])[0].any()


def test_slices_do_not_know_of_each_other(striped, dead, clean):
    block = np.stack([striped, dead, clean])
    steps = [
        {"name": "dead-stripes", "params": {"size": 31}},
        {"name": "large-stripes", "params": {"size": 31}},
        "rings",
    ]
    together, geometry = care.apply(steps, block, ANGLES)
    for one, y in zip(together, block, strict=True):
        np.testing.assert_array_equal(one, care.apply(steps, y, ANGLES)[0])
    assert geometry.count == 3


def test_what_is_wrong_is_said(striped):
    with pytest.raises(InputError, match=r"'large-stripes': The width for removing large stripes .* 3 to 160, got 199"):
        care.apply([{"name": "large-stripes", "params": {"size": 199}}], striped, ANGLES)
    with pytest.raises(InputError, match=r"'dead-stripes': .* 3 to 40, got 51"):
        care.apply(["dead-stripes"], striped[:, :40], ANGLES)
    every_fifth = striped.copy()
    every_fifth[:, ::5] += np.random.default_rng(0).standard_normal((len(ANGLES), 32)).astype(np.float32)
    np.testing.assert_array_equal(without_dead_stripes(every_fifth, 31, snr=1.01), every_fifth)
    with pytest.raises(InputError, match="120 angles"):
        care.apply(["rings"], striped[:50], ANGLES)

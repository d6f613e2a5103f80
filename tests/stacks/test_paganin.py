"""Phase retrieval, against waves that the filter only makes smaller, and against Algotom's filter."""

import math

import numpy as np
import pytest
from algotom.prep.filtering import fresnel_filter

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import care
from napari_mlpatch.stacks.care.paganin import Paganin
from napari_mlpatch.stacks.care.step import Geometry, cared

STEP = Paganin(energy=20.0, distance=0.05, pixel=5.0, delta_beta=200.0)
ANGLES = np.array([0.0, 90.0])


def test_the_length_is_that_of_the_paper():
    """20 keV: a wavelength of 0.6199 Å."""
    assert STEP.length == pytest.approx(math.sqrt(0.61992e-10 * 0.05 * 200 / (4 * math.pi)) / 5e-6, rel=1e-5)


def test_a_wave_becomes_smaller():
    z, s = np.meshgrid(np.arange(160.0), np.arange(160.0), indexing="ij")
    along, across = 2 * math.pi / 20, 2 * math.pi / 16
    intensity = 0.5 + 0.1 * np.cos(along * z + across * s)
    out, _ = care.apply([STEP], -np.log(intensity)[:, None], ANGLES[:1])
    expected = 0.5 + 0.1 * np.cos(along * z + across * s) / (1 + STEP.length**2 * (along**2 + across**2))
    inner = np.s_[40:-40, 40:-40]
    np.testing.assert_allclose(np.exp(-out[:, 0])[inner], expected[inner], atol=2e-5)


def test_it_is_algotoms_filter():
    z, s = np.meshgrid(np.arange(96.0) - 48, np.arange(128.0) - 60, indexing="ij")
    y = np.exp(-(z**2 + s**2) / 200) + 0.3 * (np.hypot(z, s) < 12)
    expected = fresnel_filter(np.exp(-y), (2 * math.pi * STEP.length) ** 2, dim=2, pad=0, apply_log=False)
    out, _ = care.apply([STEP], y[:, None], ANGLES[:1])
    np.testing.assert_allclose(out[:, 0], -np.log(expected), atol=2e-4)


def test_a_block_gives_what_the_stack_gives():
    y = np.random.default_rng(0).uniform(0, 2, (80, 2, 24)).astype(np.float32)
    whole, _ = cared([STEP], y, Geometry(ANGLES, count=80), 0, 80)
    for start, stop in ((0, 3), (38, 41), (79, 80)):
        low, high = max(start - STEP.halo, 0), min(stop + STEP.halo, 80)
        part, _ = cared([STEP], y[low:high], Geometry(ANGLES, first=low, count=80), start, stop)
        np.testing.assert_allclose(part, whole[start:stop], atol=1e-6)
    constant = np.full((5, 2, 24), 0.7, np.float32)
    np.testing.assert_allclose(care.apply([STEP], constant, ANGLES)[0], constant, atol=1e-6)


def test_a_filter_longer_than_any_detector():
    with pytest.raises(InputError, match=r"pixels long .* Check energy = 20 keV, distance = 500 m"):
        care.apply([Paganin(energy=20, distance=500, pixel=0.5)], np.zeros((1, 2, 8)), ANGLES)

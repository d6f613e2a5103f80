"""The histogram of a residual against the normal density that its noise has."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.goodness import Correlation, Explained
from napari_mlpatch.core.residual_histogram import ResidualHistogram, residual_histogram


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_noise_follows_its_curve(dtype):
    A = mp.operators.Identity(image_shape=(100, 100))
    x = torch.rand(1, 1, 100, 100, dtype=dtype)
    problem = mp.Problem(A, x + 0.3 * torch.randn_like(x), noise_std=0.3)
    found = residual_histogram(Explained(x, problem))
    step = found.centers[1] - found.centers[0]
    assert found.known and found.density.sum() * step == pytest.approx(1) == pytest.approx(found.normal.sum() * step)
    expected = [
        math.erf((c + step / 2) / math.sqrt(2)) - math.erf((c - step / 2) / math.sqrt(2)) for c in found.centers
    ]
    assert np.abs(found.density * step - np.array(expected) / 2).max() < 0.006
    assert 0.5 < found.whiteness < 2 and found.chi_square == pytest.approx(1, abs=0.05) and "chi²" in found.words


def test_counts_are_in_their_own_deviations_and_what_is_missing_does_not_count():
    A = mp.operators.Inpainting(image_shape=(120, 120))
    x = torch.rand(120, 120) * 100 + 1
    problem = mp.simulate(x, A, mp.noise.Poisson(), seed=0)
    found = residual_histogram(Explained(problem.truth, problem))
    spread = math.sqrt((found.centers**2 * found.density).sum() * (found.centers[1] - found.centers[0]))
    assert spread == pytest.approx(1, abs=0.05)


def test_without_a_level_the_curve_is_that_of_the_residual():
    A = mp.operators.Identity(image_shape=(40, 40))
    x = torch.zeros(1, 1, 40, 40)
    y = x + 7.0
    found = residual_histogram(Explained(x, mp.Problem(A, y)))
    assert not found.known and "unknown" in found.words and found.strongest.rho == pytest.approx(1)
    assert residual_histogram(Explained(y, mp.Problem(A, y))).strongest is None


@pytest.mark.parametrize(
    ("lag", "words"),
    [
        ((0, 1), "+1 column"),
        ((1, -2), "+1 row, -2 columns"),
        ((2, 0), "+2 rows"),
        ((1,), "+1 sample"),
        ((3,), "+3 samples"),
    ],
)
def test_how_far_away_the_strongest_correlation_is(lag, words):
    none = np.zeros(1)
    found = ResidualHistogram(none, none, none, True, 1.0, 1.0, Correlation(lag, 0.5, 4.0))
    assert found.words.endswith(f"strongest correlation +0.50 with the value {words} away")

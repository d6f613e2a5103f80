"""Whiteness of a residual: against plain sums, white noise, noise of unequal levels, and an autoregressive process."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.goodness import Explained, correlations, lags, whiteness
from napari_mlpatch.core.metrics import each, evaluate


def residual(r, operator=None):
    """A picture and a problem whose residual is r."""
    A = operator or mp.operators.Identity(image_shape=tuple(r.shape[-2:]))
    x = 10 + torch.rand(r.shape, dtype=r.dtype)
    return x, mp.Problem(A, A(x) - r)


def plainly(r, known):
    """The mean over lags of ``|Σ r[i] r*[i+l]|² / Σ |r[i] r[i+l]|²``, with loops over the samples."""
    rows, columns = r.shape
    scores = []
    for i in range(3):
        for j in range(-2, 3):
            if (i, j) <= (0, 0):
                continue
            pairs = [
                r[a, b] * np.conj(r[a + i, b + j])
                for a in range(rows - i)
                for b in range(columns)
                if 0 <= b + j < columns and known[a, b] and known[a + i, b + j]
            ]
            scores.append(abs(sum(pairs)) ** 2 / sum(abs(p) ** 2 for p in pairs))
    return np.mean(scores)


def test_against_plain_sums():
    r = torch.randn(1, 1, 9, 14, dtype=torch.float64)
    assert whiteness(*residual(r)) == pytest.approx(plainly(r[0, 0].numpy(), np.ones((9, 14))), rel=1e-6)
    both = torch.cat([r, r.flip(-1) + 0.3])
    ones = [whiteness(*residual(both[i : i + 1])) for i in (0, 1)]
    assert whiteness(*residual(both)) == pytest.approx(np.mean(ones), rel=1e-6)
    x, problem = residual(both)
    assert [v["whiteness"] for v in each(x, problem)] == pytest.approx(ones, rel=1e-6)


def test_only_what_was_measured_counts():
    A = mp.operators.Inpainting(image_shape=(16, 16), kept=0.7, seed=1)
    known = A.sampled.expand(16, 16)
    r = torch.randn(1, 1, 16, 16, dtype=torch.float64) * known
    assert whiteness(*residual(r, A)) == pytest.approx(plainly(r[0, 0].numpy(), known.numpy()), rel=1e-6)


@pytest.mark.parametrize(("dtype", "spread"), [(torch.float32, 2.0), (torch.complex64, 1.0)])
def test_white_noise_gives_one(dtype, spread):
    """Its mean is 1 and its standard deviation that of 12 independent lags; also where levels are unequal."""
    level = torch.logspace(-1, 1, 40)[:, None]
    for scale in (1.0, level):
        x, problem = residual(scale * torch.randn(200, 1, 40, 40, dtype=dtype))
        found = [np.mean([c.score for c in item]) for item in correlations(Explained(x, problem))]
        assert np.mean(found) == pytest.approx(1.0, abs=0.12)
        assert np.std(found) == pytest.approx(math.sqrt(spread / 12), rel=0.25)


def test_an_autoregressive_process_is_found_with_its_coefficient():
    phi, n = 0.6, 4000
    r = torch.randn(n, dtype=torch.float64)
    for i in range(1, n):
        r[i] += phi * r[i - 1]
    found = correlations(Explained(*residual(r[None, None, None])))[0]
    assert [c.lag for c in found] == [(k,) for k in range(1, 13)]
    assert [c.rho for c in found[:4]] == pytest.approx([phi, phi**2, phi**3, phi**4], abs=0.06)
    assert whiteness(*residual(r[None, None, None])) > 50


def test_structure_left_in_the_residual_is_found():
    A = mp.operators.ParallelBeam(image_shape=(40, 40), angles_deg="0:180:60", detector_count=58)
    x = torch.zeros(40, 40)
    x[10:30, 12:25] = 3.0
    problem = mp.simulate(x, A, mp.noise.Gaussian(relative=0.05), seed=0)
    assert whiteness(problem.truth, problem) < 2
    assert whiteness(0.9 * problem.truth, problem) > 20


def test_says_nothing_where_there_is_nothing_to_say():
    x, problem = residual(torch.zeros(1, 1, 12, 12))
    assert math.isnan(whiteness(x, problem)) and "whiteness" not in evaluate(x, problem)
    few = residual(torch.randn(1, 1, 3, 4))
    assert math.isnan(whiteness(*few))
    assert lags((5, 1, 9)) == [(k,) for k in range(1, 9)] and len(lags((3, 7, 9))) == 12

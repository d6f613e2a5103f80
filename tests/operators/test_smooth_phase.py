"""The smooth phase of a picture, found from its k-space: against the phase that it was made with."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.operators import MRICartesian
from napari_mlpatch.operators.smooth_phase import SmoothPhase


def place(n):
    at = 2.0 * (torch.arange(n) - n // 2) / n
    return torch.meshgrid(at, at, indexing="ij")


def picture(n, seed=0):
    """Positive, with an empty frame."""
    r, c = place(n)
    detail = 1.0 + 0.4 * torch.randn(n, n, generator=torch.Generator().manual_seed(seed))
    return torch.where(r**2 + c**2 < 0.7, detail.abs(), 0.0)


@pytest.mark.parametrize("n", [48, 160])
@pytest.mark.parametrize("acceleration", [1, 4])
def test_a_polynomial_phase_is_found_up_to_pi(n, acceleration):
    r, c = place(n)
    phase = 1.0 + 1.5 * r - 0.8 * c + 1.2 * r * c - 0.7 * c**2 + 0.6 * r**3
    A = MRICartesian(image_shape=(n, n), acceleration=acceleration, center_fraction=0.2)
    x = picture(n)
    y = mp.simulate(torch.polar(x, phase), A, mp.noise.Gaussian(std=0.002), seed=1).y[0, 0, 0]
    smooth = SmoothPhase(y, A._mask)
    for degree in (3, 6):
        turn = smooth.raised(degree)
        off = torch.sin(turn.angle() - phase)[x > 0]
        assert float(off.square().mean().sqrt()) < 0.02, degree


def test_units_change_nothing():
    n = 64
    r, c = place(n)
    A = MRICartesian(image_shape=(n, n))
    y = mp.simulate(torch.polar(picture(n), 2 * r * c), A, mp.noise.Gaussian(std=0.01), seed=1).y[0, 0, 0]
    for factor in (1e-6, 1e6):
        torch.testing.assert_close(
            SmoothPhase(factor * y, A._mask).raised(3), SmoothPhase(y, A._mask).raised(3), atol=1e-3, rtol=0
        )


@pytest.mark.parametrize("shape", [(32, 33), (40, 150)])
def test_nothing_measured_but_zeros(shape):
    turn = SmoothPhase(torch.zeros(shape, dtype=torch.complex64), np.ones(shape, bool)).raised(3)
    assert turn.shape == shape and math.isclose(float(turn.abs().max()), 1.0, rel_tol=1e-5)

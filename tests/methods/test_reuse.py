"""Weights of another operator as a regulariser."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.methods.learned import pictures

from .tiny import Descent, unet

O = mp.operators
BEFORE = O.ParallelBeam((32, 32), "0:180:30", 46)
NOW = O.ParallelBeam((32, 32), "0:120:20", 46)


def disc():
    r, c = torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij")
    return ((r - 0.1) ** 2 + c**2 < 0.5).float()[None, None]


@pytest.fixture
def problem():
    return mp.simulate(disc(), NOW, mp.noise.Gaussian(relative=0.01), seed=1)


def test_it_ends_at_the_fixed_point_of_its_equation(problem):
    """(AᵀA + λ I) x = Aᵀy + λ f(A₀ x), with f run for the operator of its training, A₀."""
    trained, weight = unet(BEFORE), 0.003
    method = mp.methods.ReuseAndRegularise(weight=weight, iterations=200, tolerance=1e-4, precision="float32")
    result = mp.reconstruct(problem, method, trained)
    assert not result.not_converged and result.iterations < 200
    x, lam = result.x, weight * NOW.norm**2
    *_, z = pictures(method.opened(trained, torch.device("cpu")), Problem(BEFORE, BEFORE(x)))
    left, right = NOW.T(NOW(x)) + lam * x, NOW.T(problem.y) + lam * z
    assert (left - right).norm() <= 1e-3 * right.norm()


def test_a_heavy_weight_is_the_network_alone_and_a_light_one_the_data(problem):
    trained = unet(BEFORE)
    heavy = mp.reconstruct(problem, mp.methods.ReuseAndRegularise(weight=1e4, iterations=1), trained)
    own = mp.methods.ReuseAndRegularise(precision="float32").opened(trained, torch.device("cpu"))
    *_, z = pictures(own, Problem(BEFORE, BEFORE(NOW.pinv(problem.y))))
    assert (heavy.x - z).norm() <= 1e-2 * z.norm()
    light = mp.reconstruct(problem, mp.methods.ReuseAndRegularise(weight=1e-5, iterations=1), trained)
    assert light.metrics["relative_residual"] < 0.02 < heavy.metrics["relative_residual"]


def test_next_to_no_weight_does_not_amplify_rounding():
    """Three views leave most of a picture open: in single precision it had values of some hundreds."""
    A = O.ParallelBeam((14, 14), "0:180:3", 20)
    y = A(torch.rand(1, 1, 14, 14, generator=torch.Generator().manual_seed(0)))
    method = mp.methods.ReuseAndRegularise(weight=1e-9, iterations=10, tolerance=0.0)
    found = mp.reconstruct(mp.Problem(A, y, noise_std=0.0), method, Descent(iterations=3)).x
    assert found.dtype == torch.float32 and float(found.abs().max()) < 3.0


def test_which_weights_it_takes(problem):
    method = mp.methods.ReuseAndRegularise()
    found = fit(method, unet(BEFORE), problem)
    assert not found.refusal and "trained for" in found.remark and "regulariser" in found.remark
    assert "'unet' runs them as they are" in fit(method, unet(NOW), problem).remark
    fan = O.FanBeam((32, 32), "0:360:30", 46, source_to_axis=80, source_to_detector=120)
    assert not fit(method, unet(fan), problem).refusal, "of another kind, too"
    assert "24 x 24" in fit(method, unet(O.ParallelBeam((24, 24), "0:180:30", 36)), problem).refusal
    assert (
        "complex" in fit(method, unet(BEFORE), Problem(O.MRICartesian((32, 32)), torch.ones(1, 1, 32, 32) + 0j)).refusal
    )
    assert "needs trained weights" in fit(method, None, problem).refusal

"""Weights and the noise of their training: its factors, its units, and data of which only the level is known."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.recipe import Description, describe
from napari_mlpatch.methods.trained_noise import far_from_training
from napari_mlpatch.operators import mri_cartesian, redundancy

from .tiny import equilibrium, unet, weights_of

M = mp.methods
A = mp.operators.ParallelBeam((24, 24), "0:180:30", 36)
X = torch.zeros(1, 1, 24, 24, dtype=torch.float64)
X[..., 6:18, 5:17] = 1.0


def trained(noise, factors=(1.0, 1.0), operator=A):
    task = {"name": "reconstruct", "params": {"noise": describe(noise), "noise_factor": list(factors)}}
    return unet(operator, noise=Description(**describe(noise)), training={"task": task})


def said(weights, noise, operator=A):
    return fit(M.UNet(), weights, mp.Problem(operator, operator(X), noise=noise)).remark


def gaussian(**level):
    return mp.noise.Gaussian(**level)


@pytest.mark.parametrize(
    ("then", "factors", "now", "words"),
    [
        ({"std": 0.1}, (0.5, 2), {"std": 0.05}, ""),
        ({"std": 0.1}, (0.5, 2), {"std": 0.2}, ""),
        ({"std": 0.1}, (0.5, 2), {"std": 0.3}, "std 0.05 to 0.2, this has 0.3 (each in"),
        ({"std": 0.1}, (2, 2), {"std": 0.1}, "std 0.2, this has 0.1 (each in"),
        ({"relative": 0.02}, (0, 3), {"relative": 0.05}, ""),
        ({"relative": 0.02}, (0, 3), {"relative": 0.07}, "relative 0 to 0.06, this has 0.07"),
        ({"snr_db": 20.0}, (1, 10), {"snr_db": 5.0}, ""),
        ({"snr_db": 20.0}, (1, 10), {"snr_db": 30.0}, "snr 0 to 20 dB, this has 30 dB"),
    ],
)
def test_factors_of_the_training_make_a_range(then, factors, now, words):
    remark = said(trained(gaussian(**then), factors), gaussian(**now))
    assert words in remark and bool(words) == bool(remark)


def measured(std, unit=1.0, noise=None, known=True, operator=A):
    """Data in other units, with noise of this level in the first ones."""
    y = operator(unit * X)
    y = y + unit * std * torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(0))
    return mp.Problem(operator, y, noise=noise, noise_std=unit * std if known else None)


@pytest.mark.parametrize("unit", [1.0, 1e4])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("level", [{"std": 0.1}, {"relative": 0.03}, {"snr_db": 34.0}], ids=str)
def test_levels_of_measured_data_beside_the_data(level, unit, known):
    """In whatever units; estimated where they are not given (which for pictures so small is rough)."""
    card = trained(gaussian(**level), (0.5, 2.0)).card
    assert far_from_training(card, measured(0.1, unit, known=known)) == ""
    assert " times stronger than the strongest that" in far_from_training(card, measured(2.0, unit, known=known))
    if known:
        assert " times weaker than the weakest that" in far_from_training(card, measured(1e-3, unit))


def test_an_absolute_level_is_no_other_one_in_other_units():
    """The same number on data of another size is other noise; the same share of them in another number is not."""
    weights = trained(gaussian(std=0.1))
    same_number = measured(0.1, 1.0, gaussian(std=0.1))
    assert far_from_training(weights.card, same_number) == ""
    larger = measured(1e-4, 1e3, gaussian(std=0.1))
    assert fit(M.UNet(), weights, larger).remark == ""
    assert "times weaker than the weakest" in mp.reconstruct(larger, M.UNet(), weights).remark
    scaled = 50.0 * A
    again = mp.Problem(scaled, 50.0 * same_number.y, noise_std=5.0)
    assert far_from_training(weights.card, again) == ""


@pytest.mark.parametrize("name", ["unet", "equilibrium"])
def test_what_is_said_of_the_noise_is_not_taken_for_missing_convergence(name):
    task = {"name": "reconstruct", "params": {"noise": describe(gaussian(relative=0.01))}}
    noise = Description(**describe(gaussian(relative=0.01)))
    if name == "unet":
        method, weights = M.UNet(), unet(A, noise=noise, training={"task": task})
    else:
        method, weights = M.DeepEquilibrium(), weights_of(equilibrium(), A, noise=noise, training={"task": task})
    result = mp.reconstruct(measured(2.0), method, weights)
    assert result.converged and result.not_converged == "" and "times stronger" in result.remark
    if name == "equilibrium":
        short = mp.reconstruct(measured(2.0), M.DeepEquilibrium(iterations=1), weights)
        assert "Not converged: after 1" in short.not_converged and "times stronger" not in short.not_converged
        assert "times stronger" in short.remark


def test_least_squares_of_one_coil_are_solved_once(monkeypatch):
    """The level of its noise, and whether that can be relied on, come from one solution."""
    calls = []
    monkeypatch.setattr(
        mri_cartesian, "unexplained", lambda *args, **more: calls.append(1) or redundancy.unexplained(*args, **more)
    )
    scan = mp.operators.MRICartesian((24, 24), acceleration=2)
    problem = measured(0.1, known=False, operator=scan)
    card = trained(gaussian(relative=0.03), operator=scan).card
    assert "times stronger" in far_from_training(card, problem), "so the level was asked for, and relied on"
    assert float(problem.std) == pytest.approx(0.1, rel=0.2) and len(calls) == 1


def test_where_nothing_is_known_nothing_is_said():
    poisson = trained(mp.noise.Poisson())
    for card in (None, poisson.card, unet(A).card):
        assert far_from_training(card, measured(2.0)) == ""
    simulated = measured(2.0, noise=gaussian(relative=0.5))
    assert far_from_training(trained(gaussian(relative=0.01)).card, simulated) == "", "said by what the levels are"

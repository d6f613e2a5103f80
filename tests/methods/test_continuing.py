"""Continuing what has converged, saying what has not, and the limit of plug-and-play whatever the inner steps."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.run import Done, continued, run

M = mp.methods
LOOSE = {
    "tikhonov": M.Tikhonov(tolerance=1e-4),
    "tv": M.TV(tolerance=3e-2),
    "pnp-admm": M.PnPADMM(denoiser="tv", falling=2, tolerance=0.05, sigma=0.1),
    "pnp-hqs": M.PnPHQS(denoiser="tv", falling=2, tolerance=0.05, sigma=0.1),
    "pnp-pgm": M.PnPPGM(denoiser="tv", falling=2, tolerance=0.2, sigma=0.1),
}
each_method = pytest.mark.parametrize("method", LOOSE.values(), ids=LOOSE)


@pytest.fixture(scope="module")
def problem():
    x = torch.zeros(16, 16)
    x[4:11, 5:12] = 1.0
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:12", detector_count=24)
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.05), seed=1)


@each_method
def test_continuing_a_converged_result_is_that_result(problem, method):
    first = mp.reconstruct(problem, method)
    assert first.converged and 1 < first.iterations < method.iterations and first.remark == ""
    recipe = continued(first.recipe, method.iterations + 20)
    *_, last = run(recipe, problem, state=first.state, history=first.history)
    assert isinstance(last, Done)
    again = last.result
    assert again.converged and torch.equal(again.x, first.x) and again.recipe.stopped_at is None
    assert again.iterations == first.iterations and again.history == first.history
    *_, replayed = run(again.recipe, problem)
    assert torch.equal(replayed.result.x, first.x)


@each_method
def test_the_limit_of_iterations_is_told(problem, method):
    short = mp.reconstruct(problem, type(method)(**{"iterations": 1, "tolerance": 1e-8} | _denoiser(method)))
    assert not short.converged and "Not converged: the limit of 1 iterations" in short.remark


def _denoiser(method):
    return {"denoiser": "tv"} if hasattr(method, "denoiser") else {}


def test_no_inner_steps_change_the_limit(problem, monkeypatch):
    """Of a linear denoiser, the limit is Tikhonov's solution: also with a single step of conjugate gradients."""
    monkeypatch.setattr("napari_mlpatch.methods.plug_and_play.value_range", lambda x: (0.0, 1.0))
    exact = None
    for steps in (200, 6, 1):
        method = M.PnPADMM(
            sigma_start=0.05, sigma=0.05, falling=0, trust=10.0, iterations=150, tolerance=0.0, inner_iterations=steps
        )
        x = mp.reconstruct(problem, method, lambda v, sigma: v / 1.5).x
        exact = x if exact is None else exact
        assert (x - exact).norm() < 1e-3 * exact.norm()


class Mean(Operator):
    """Half the value and half of the next one along the last axis, in any number of axes."""

    def __init__(self, *shape):
        self.domain_shape = self.range_shape = shape

    def _apply(self, x):
        return 0.5 * (x + x.roll(1, -1))

    def _adjoint(self, y):
        return 0.5 * (y + y.roll(-1, -1))


@pytest.mark.parametrize("shape", [(12,), (4, 5, 6)])
@pytest.mark.parametrize("method", [M.Tikhonov(weight=0.1), M.TV(weight=0.05), M.PnPADMM(denoiser="tv", iterations=2)])
def test_signals_and_volumes(shape, method):
    """Channels are not mixed, and slices are."""
    A = Mean(*shape)
    y = torch.rand(1, 2, *shape, dtype=torch.float64)
    *_, last = (i for i in method.solve(mp.Problem(A, y, noise_std=0.1)) if i is not None)
    assert last.x.shape == y.shape and last.x.isfinite().all()
    if isinstance(method, M.Tikhonov):
        units = torch.eye(y[0, 0].numel(), dtype=torch.float64).reshape(-1, 1, *shape)
        matrix = A(units).flatten(1).T
        D = [torch.diff(units, dim=axis).flatten(1).T for axis in range(-len(shape), 0)]
        gram = matrix.T @ matrix + 0.1 * sum(d.T @ d for d in D)
        for channel in (0, 1):
            exact = torch.linalg.solve(gram, matrix.T @ y[0, channel].flatten())
            assert (last.x[0, channel].flatten() - exact).norm() < 1e-4 * exact.norm()


@pytest.mark.parametrize("name", ["wavelets", "nl-means"])
def test_denoisers_of_pictures_refuse_volumes(name):
    with pytest.raises(mp.InputError, match="pictures of two axes"):
        list(M.Direct(denoiser=name).solve(mp.Problem(Mean(3, 4, 5), torch.rand(3, 4, 5))))
    assert "two axes" in M.PnPADMM(averaging=True).unsuitable(Mean(3, 4, 5))

"""The method "equilibrium": solvers, limits, and what is said where no fixed point is found."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.run import Done, Progress, continued, run

from .tiny import Descent, weights_of

A = mp.operators.Blur(image_shape=(16, 18), width=0.8)


def network(iterations=5, **params):
    torch.manual_seed(0)
    made = networks.build("de-prox", {"depth": 3, "width": 4, "iterations": iterations, "lipschitz": 0.8, **params})
    for layer in made.denoiser.layers:
        torch.nn.init.normal_(layer.weight)
    return made.requires_grad_(False)


class Expanding(torch.nn.Module):
    """In place of the denoiser: it moves pictures apart."""

    def __init__(self, factor=1.3):
        super().__init__()
        self.factor = factor

    def kernels(self):
        return []

    def with_kernels(self, x, kernels):
        return self.factor * x + 0.1 * x.square().clamp(max=10.0)


@pytest.fixture(scope="module")
def problem():
    return mp.simulate(torch.rand(2, 1, 16, 18), A, mp.noise.Gaussian(std=0.01), seed=0)


def solved(problem, module, **params):
    return mp.reconstruct(problem, mp.methods.DeepEquilibrium(**params), module)


@pytest.mark.parametrize("solver", ["plain", "broyden"])
def test_all_solvers_find_the_same_picture(problem, solver):
    module = network()
    one = solved(problem, module, iterations=200, tolerance=1e-6)
    other = solved(problem, module, iterations=200, tolerance=1e-6, solver=solver)
    assert one.converged and other.converged and one.remark == other.remark == ""
    assert one.iterations < 200
    assert (one.x - other.x).norm() <= 1e-4 * one.x.norm()
    assert 0 < other.history[-1]["contraction"] < 1
    assert other.history[-1]["residual"] <= 1e-6 < other.history[0]["residual"]


def test_it_may_be_iterated_for_longer_than_in_the_training(problem):
    module = network(iterations=2)
    result = solved(problem, module, iterations=30, tolerance=0.0)
    assert result.iterations == 30 and len(result.history) == 30
    assert abs(result.history[-1]["psnr"] - result.history[14]["psnr"]) < 0.01


def test_what_does_not_converge_says_so_and_gives_the_best(problem):
    module = network()
    module.denoiser = Expanding()
    method = mp.methods.DeepEquilibrium(solver="plain", iterations=12, tolerance=1e-4)
    seen, result = [], None
    for event in run(mp.Recipe.of(problem, method), problem, network=module):
        if isinstance(event, Progress) and event.iterate is not None:
            seen.append((event.scalars["residual"], event.iterate.x))
        if isinstance(event, Done):
            result = event.result
    assert not result.converged and result.iterations == 12 and result.recipe.stopped_at is None
    assert "Not converged: after 12 iterations" in result.remark
    assert "move pictures apart" in result.remark and result.history[-1]["contraction"] > 1
    residuals = [row["residual"] for row in result.history]
    best = min(range(12), key=residuals.__getitem__)
    assert best < 11, "the last iterate is not the best one"
    each = [x for _, x in seen[:-1]]
    for item in range(2):  # each item has its own best
        assert any(torch.equal(result.x[item], x[item]) for x in each)
    more = mp.reconstruct(problem, method, module)
    assert torch.equal(more.x, result.x)


def test_what_leaves_all_numbers_ends_with_the_best_one(problem):
    module = network()
    module.denoiser = Expanding(1e12)
    result = solved(problem, module, solver="plain", iterations=50)
    assert not result.converged and result.iterations < 50 and result.remark
    assert result.x.isfinite().all() and result.recipe.stopped_at is None


def test_continuing_what_had_not_converged(problem):
    module = network()
    method = mp.methods.DeepEquilibrium(iterations=3, tolerance=1e-6)
    recipe = mp.Recipe.of(problem, method)
    short = [e for e in run(recipe, problem, network=module)][-1].result
    assert not short.converged
    longer = continued(short.recipe, 200)
    rest = [e for e in run(longer, problem, network=module, state=short.state, history=short.history)][-1].result
    whole = solved(problem, module, iterations=200, tolerance=1e-6)
    assert rest.converged and rest.iterations == whole.iterations and torch.equal(rest.x, whole.x)


def test_pictures_scale_with_data_and_operator(problem):
    module = network()
    one = solved(problem, module, iterations=20, tolerance=0.0).x
    other = mp.Problem(1e3 * A, 50.0 * problem.y)
    assert (solved(other, module, iterations=20, tolerance=0.0).x - 0.05 * one).norm() <= 1e-4 * 0.05 * one.norm()


def test_other_networks_are_refused(problem):
    with pytest.raises(InputError, match="'unrolled'"):
        solved(problem, Descent())


def test_weights_fit_by_their_card(problem):
    weights = weights_of(network(), A)
    method = mp.methods.DeepEquilibrium()
    assert method.accepts(weights.card, A).refusal == ""
    assert "are for the method 'equilibrium'" in mp.methods.Unrolled().accepts(weights.card, A).refusal
    other = mp.operators.Inpainting(image_shape=(16, 18))
    assert "'blur'" in method.accepts(weights.card, other).refusal
    assert mp.reconstruct(problem, method, weights).x.shape == (2, 1, 16, 18)


class Broken(torch.nn.Module):
    """In place of the denoiser: of the second item it makes no numbers."""

    def kernels(self):
        return []

    def with_kernels(self, x, kernels):
        return torch.stack([0.5 * x[0], x[1] * torch.nan])


def test_one_item_is_lost_and_the_other_converges(problem):
    module = network()
    module.denoiser = Broken()
    result = solved(problem, module, iterations=200, solver="plain")
    assert not result.converged and result.iterations < 200
    assert "Not converged" in result.remark


def test_one_iteration_tells_nothing_of_the_map(problem):
    assert "More iterations will tell" in solved(problem, network(), iterations=1).remark


def test_an_operator_without_a_quick_picture(problem, monkeypatch):
    def none(self, y):
        raise NotImplementedError

    module = network()
    usual = solved(problem, module, tolerance=1e-6, iterations=200).x
    monkeypatch.setattr(type(A), "pinv", none)
    torch.testing.assert_close(solved(problem, module, tolerance=1e-6, iterations=200).x, usual, rtol=1e-3, atol=1e-4)

"""Simulating and reconstructing in one call, and what a recipe then says of the network."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.method import Iterate

from .counting import counting


def test_reconstruct(problem, recipe_of):
    method = recipe_of(counting).build_method()
    result = mp.reconstruct(problem, method, seed=9)
    assert result.recipe.seed == 9 and result.iterations == 5
    with pytest.raises(mp.InputError, match="Unknown device"):
        mp.reconstruct(problem, method, device="warp")


def test_reconstruct_hands_the_network_on(problem, monkeypatch):
    seen = []

    def solve(self, problem, network=None, state=None):
        seen.append(network)
        yield Iterate(problem.truth, 1, 1, converged=True)

    monkeypatch.setattr(mp.methods.FBP, "solve", solve)
    mp.reconstruct(problem, mp.methods.FBP(), torch.sin)
    assert seen == [torch.sin]


class WithLargeTable(mp.operators.Identity):
    """120 MB are kept, and 120 MB more are needed while they are made."""

    def _apply(self, x):
        return x * self._table("ones", x.device, x.dtype, lambda: torch.ones(30_000_000).cumprod(0))[0]


def test_memory_does_not_depend_on_tables_that_are_there():
    """A run pays for the tables it holds, not for their making: it takes as much as one that finds them made."""
    warm, A = (WithLargeTable(image_shape=(16, 16)) for _ in range(2))
    y = torch.rand(1, 1, 16, 16)
    mp.reconstruct(mp.Problem(warm, y), mp.methods.TV(iterations=3))  # modules that load at first count as well
    first, again = (mp.reconstruct(mp.Problem(A, y), mp.methods.TV(iterations=3)).peak_bytes for _ in range(2))
    assert 100e6 < first < 180e6 and 100e6 < again < 180e6


@pytest.mark.parametrize("method", [mp.methods.FBP(), mp.methods.TV(iterations=5)], ids=["fbp", "tv"])
def test_all_that_stays_is_made_apart(method, monkeypatch):
    """Tables, plans and the symbol of a preconditioner are made once, and count for no run."""
    from napari_mlpatch.core import meter

    made, apart = [], meter.apart
    monkeypatch.setattr(meter, "apart", lambda: made.append(1) or apart())
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:16", detector_count=23)
    problem = mp.Problem(A, torch.rand(1, 1, *A.range_shape))
    mp.reconstruct(problem, method)
    before, first = A._keys(), len(made)
    assert before and first >= 1
    mp.reconstruct(problem, method)
    assert A._keys() == before and len(made) == first


def test_state_leaves_the_device(problem, recipe_of):
    """The "meta" device stands for a GPU: what is handed over is on the CPU, what comes back is where the job is."""
    from napari_mlpatch.core.steps import moved

    x = torch.rand(2, dtype=torch.complex64)
    state = {"x": x, "z": [x, (x, None)], "k": 3, "deep": {"rho": 1.5, "y": x}}
    there = moved(state, "meta")
    assert there["k"] == 3 and there["deep"]["rho"] == 1.5 and there["z"][1][1] is None
    tensors = [there["x"], there["z"][0], there["z"][1][0], there["deep"]["y"]]
    assert all(t.device.type == "meta" and t.dtype == x.dtype and t.shape == x.shape for t in tensors)
    assert moved(state, "cpu")["x"] is x and moved(None, "cpu") is None


def test_noise_is_relative_to_what_was_measured():
    A = mp.operators.MRICartesian(
        image_shape=(16, 16), mask="custom", mask_values=[[k % 4 == 0] * 16 for k in range(16)]
    )
    x = torch.rand(2, 1, 16, 16)
    problem = mp.simulate(x, A, mp.noise.Gaussian(relative=0.1), seed=0)
    clean, where = A(x), A.sampled.expand(A.range_shape)
    assert problem.noise_std == pytest.approx(0.1 * float(clean[..., where].abs().mean()))
    difference = problem.y - clean
    assert not difference[..., ~where].any()
    assert float(difference[..., where].abs().square().mean().sqrt()) == pytest.approx(problem.noise_std, rel=0.15)


# ---- what a recipe says of a network ------------------------------------------------------------------------


def halved(x, sigma):
    return x / 2


class Halved(torch.nn.Module):
    forward = staticmethod(halved)


def test_a_callable_is_named_and_cannot_be_replayed(problem):
    from napari_mlpatch.batch.replay import open_weights

    method = mp.methods.Direct()
    for network, name in ((halved, "halved"), (Halved(), "Halved")):
        recipe = mp.reconstruct(problem, method, network).recipe
        assert recipe.weights == f"python:{name}"
        assert mp.Recipe.from_json(recipe.to_json()) == recipe
        with pytest.raises(mp.InputError, match="was a Python callable"):
            open_weights(recipe)
        with pytest.raises(mp.InputError, match="was a Python callable"):
            open_weights(recipe, "mlpatch-gray-small")
    assert mp.reconstruct(problem, mp.methods.FBP(), halved).recipe.weights is None

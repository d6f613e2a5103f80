"""Rays of few photons count less: the weighted least-squares problem, what it gains, and where nothing changes."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.run import run
from napari_mlpatch.methods.weighing import weighed

O, M = mp.operators, mp.methods
SIZE = 48
SCAN = O.ParallelBeam((SIZE, SIZE), "0:180:45", 70)
METHODS = {
    "tikhonov": M.Tikhonov(),
    "tv": M.TV(),
    "pnp-admm": M.PnPADMM(denoiser="tv", iterations=12, falling=8),
    "pnp-hqs": M.PnPHQS(denoiser="tv", iterations=12, falling=8),
}
QUICK = [
    M.Tikhonov(iterations=20),
    M.TV(iterations=15),
    M.PnPADMM(denoiser="tv", iterations=4, falling=2),
    M.PnPHQS(denoiser="tv", iterations=4, falling=2),
]
SMALL = O.ParallelBeam((20, 20), "0:180:20", 30)
each_method = pytest.mark.parametrize("method", QUICK, ids=METHODS)


def measured(peak, photons=200.0, A=SCAN, seed=0):
    """A flat ellipse with two dense rods, of ``peak`` at the largest line integral."""
    n = A.domain_shape[0]
    r, c = (np.mgrid[:n, :n] - (n - 1) / 2) * (48 / n)
    x = 1.0 * (np.hypot(r / 20, c / 15) < 1) + 3.0 * (np.hypot(r - 6, c - 5) < 4) + 3.0 * (np.hypot(r + 6, c + 5) < 4)
    x = torch.from_numpy(x)[None, None]
    return mp.simulate(x * (peak / float(A(x).max())), A, mp.noise.PoissonTransmission(photons=photons), seed=seed)


def mean_square(n, most=2000):
    """E (log max(N, 1) - log n)² by the sum over N."""
    counts = np.arange(1, most)
    chance = np.exp(counts * np.log(n) - n - np.cumsum(np.log(counts)))
    return np.exp(-n) * np.log(n) ** 2 + (chance * (np.log(counts) - np.log(n)) ** 2).sum()


def test_tikhonov_is_the_dense_weighted_solution():
    """Weights of one over the variance at the mean of the counts of five bins, of a mean of one."""
    A = O.ParallelBeam((12, 12), "0:180:14", 17)
    problem = measured(3.5, 100.0, A)
    eye = torch.eye(144, dtype=torch.float64).reshape(144, 1, 12, 12)
    dense = A(eye).flatten(1).T.numpy()
    y = problem.y[0, 0].double().numpy()
    counts = 100.0 * np.exp(-y)
    near = [np.clip(j, 2, 14) for j in range(17)]
    variance = np.array([[mean_square(row[j - 2 : j + 3].mean()) for j in near] for row in counts]).ravel()
    w = (1 / variance) / (1 / variance).mean()
    weight = 0.3
    expected = np.linalg.solve(dense.T @ (w[:, None] * dense) + weight * np.eye(144), dense.T @ (w * y.ravel()))
    method = M.Tikhonov(weight=weight, penalty="identity", iterations=300, tolerance=1e-10)
    found = mp.reconstruct(problem, method).x.double().numpy().ravel()
    assert w.max() > 3 * w.min()
    assert np.linalg.norm(found - expected) < 2e-4 * np.linalg.norm(expected)  # the table of variances is good to 1e-4


@pytest.mark.parametrize(("name", "least"), [("tikhonov", 0.3), ("tv", 3.0), ("pnp-admm", 1.5)])
def test_a_strongly_absorbing_object_gains(name, least):
    method, problem = METHODS[name], measured(4.6, 500.0)  # 5 photons behind the rods
    plain = type(method)(**{**method.__dict__, "weighing": "none"})
    gain = mp.reconstruct(problem, method).metrics["psnr"] - mp.reconstruct(problem, plain).metrics["psnr"]
    assert gain > least


@each_method
def test_nothing_changes_where_all_samples_are_alike(method):
    plain = type(method)(**{**method.__dict__, "weighing": "none"})
    weak = measured(0.6, A=SMALL)
    white = mp.simulate(weak.truth, SMALL, mp.noise.Gaussian(relative=0.05))
    unknown = mp.Problem(SMALL, measured(4.0, A=SMALL).y)
    for problem in (weak, white, unknown):
        assert weighed(problem, "auto") is problem
    assert torch.equal(mp.reconstruct(weak, method).x, mp.reconstruct(weak, plain).x)


@each_method
def test_batches_units_and_recipes(method):
    strong, weak = measured(4.0, A=SMALL), measured(0.6, A=SMALL)
    both = mp.Problem(SMALL, torch.cat([strong.y, weak.y]), noise=strong.noise, noise_std=0.2)
    alone = mp.Problem(SMALL, strong.y, noise=strong.noise, noise_std=0.2)
    other = mp.Problem(SMALL, weak.y, noise=strong.noise, noise_std=0.2)
    picture = mp.reconstruct(alone, method)
    stack = mp.reconstruct(both, method).x
    for found, expected in zip(stack, (picture.x[0], mp.reconstruct(other, method).x[0]), strict=True):
        assert (found - expected).norm() < 1e-5 * expected.norm()
    for scale in (1e-6, 1e6):  # another unit of length
        scaled = (
            mp.reconstruct(mp.Problem(scale * SMALL, strong.y, noise=strong.noise, noise_std=0.2), method).x * scale
        )
        assert (scaled - picture.x).norm() < 1e-4 * picture.x.norm()
    assert picture.recipe.method.params["weighing"] == "auto"
    *_, again = run(mp.Recipe.from_json(picture.recipe.to_json()), alone)
    assert torch.equal(again.result.x, picture.x)

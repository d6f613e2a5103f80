"""SURE and GCV against the dense hat matrix, and against the truth that they do without."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.metric_table import METRICS
from napari_mlpatch.core.without_truth import divergence, gcv, judge, signs, sure, why_not

N, WEIGHT = 10, 2.0


@pytest.fixture(scope="module")
def problem():
    """Overdetermined, small enough for dense matrices."""
    A = mp.operators.ParallelBeam(image_shape=(N, N), angles_deg="0:180:12", detector_count=15)
    x = torch.zeros(N, N, dtype=torch.float64)
    x[3:8, 2:6] = 1.0
    return mp.simulate(x, A, mp.noise.Gaussian(std=0.3), seed=2)


@pytest.fixture(scope="module")
def hat(problem):
    """The hat matrix ``A (AᵀA + weight I)⁻¹ Aᵀ`` of ``mp.methods.Tikhonov(penalty="identity")``."""
    units = torch.eye(N * N, dtype=torch.float64).reshape(-1, 1, N, N)
    A = problem.A(units).flatten(1).T.numpy()
    return A @ np.linalg.solve(A.T @ A + WEIGHT * np.eye(N * N), A.T)


@pytest.fixture(scope="module")
def result(problem):
    method = mp.methods.Tikhonov(weight=WEIGHT, penalty="identity", iterations=500, tolerance=1e-11)
    return mp.reconstruct(problem, method)


def test_the_divergence_of_each_probe_is_that_of_the_hat_matrix(problem, hat, result):
    b = signs(problem.y, torch.Generator().manual_seed(5)).numpy().ravel()
    assert divergence(result.x, result.recipe, problem, seed=5) == pytest.approx(b @ hat @ b, rel=1e-5)
    found = divergence(result.x, result.recipe, problem, seed=5, probes=12)
    spread = np.sqrt(2.0 * (np.sum(hat**2) - np.sum(np.diag(hat) ** 2)) / 12)
    assert abs(found - np.trace(hat)) < 3 * spread


def test_sure_and_gcv_are_their_closed_forms(problem, hat, result):
    y, m, trace = problem.y.numpy().ravel(), problem.y.numel(), np.trace(hat)
    square, power = np.sum((hat @ y - y) ** 2), 0.3**2
    expected = (square - m * power + 2 * power * trace) / (m * power)
    assert sure(result.x, problem, trace) == pytest.approx(expected, rel=1e-6)
    assert gcv(result.x, problem, trace) == pytest.approx(m * square / np.trace(np.eye(m) - hat) ** 2, rel=1e-6)
    found = judge(result.x, result.recipe, problem, seed=5)
    assert found["sure"] == pytest.approx(expected, abs=0.1) and set(found) == {"sure", "gcv", "frc"}
    assert set(found) == {metric.key for metric in METRICS if metric.needs in ("runs", "halves")}


def test_sure_estimates_the_error_of_the_predicted_data(problem, hat):
    """Its mean over noises is the prediction risk, which has a closed form for a linear method."""
    clean, m, std = problem.A(problem.truth).numpy().ravel(), problem.y.numel(), 0.3
    risk = np.sum(((hat - np.eye(m)) @ clean) ** 2) / m / std**2 + np.sum(hat**2) / m
    random = np.random.default_rng(0)
    y = clean + std * random.standard_normal((400, m))
    found = (np.sum((y @ hat.T - y) ** 2, 1) / std**2 - m + 2 * np.trace(hat)) / m
    assert found.mean() == pytest.approx(risk, abs=3 * found.std() / 20)


def test_they_choose_the_weight_as_the_truth_does(problem):
    """On denoising, where the prediction risk is the mean square error of the picture, also by a method not linear."""
    A = mp.operators.Identity(image_shape=(40, 40))
    x = torch.zeros(40, 40)
    x[10:30, 12:25] = 1.0
    noisy = mp.simulate(x, A, mp.noise.Gaussian(std=0.2), seed=1)
    figures = []
    for weight in (0.01, 0.1, 0.3, 1.0):
        result = mp.reconstruct(noisy, mp.methods.TV(weight=weight, iterations=60))
        error = float((result.x - noisy.truth).square().mean()) / 0.2**2
        found = judge(result.x, result.recipe, noisy)
        assert set(found) == {"sure", "gcv"} and found["sure"] == pytest.approx(error, abs=0.12)
        figures.append((error, found["sure"], found["gcv"], weight))
    assert min(figures)[3] == min(figures, key=lambda f: f[1])[3] == min(figures, key=lambda f: f[2])[3]


def test_complex_data_of_which_a_part_is_measured():
    """Zero filling with weight w: the hat matrix is a projection over 1 + w, so that all is known."""
    A = mp.operators.MRICartesian(image_shape=(24, 20), acceleration=2.0)
    problem = mp.simulate(torch.rand(24, 20).to(torch.complex128), A, mp.noise.Gaussian(std=0.5), seed=3)
    result = mp.reconstruct(problem, mp.methods.Tikhonov(weight=1.0, penalty="identity"))
    m, found = problem.sample_count, divergence(result.x, result.recipe, problem)
    assert found == pytest.approx(m / 2, rel=1e-4)
    clean = problem.A(problem.truth)
    error = float((problem.A(result.x) - clean).abs().square().sum()) / m / 0.25
    assert sure(result.x, problem, found) == pytest.approx(error, abs=0.25)


def test_says_why_not(problem, result):
    unknown = mp.Problem(problem.A, problem.y)
    again = mp.reconstruct(unknown, mp.methods.FBP())
    assert set(why_not(again.recipe, unknown)) == {"sure"} and set(judge(again.x, again.recipe, unknown)) == {
        "gcv",
        "frc",
    }
    counts = mp.Problem(problem.A, problem.y, noise=mp.noise.Poisson(), noise_std=0.3)
    assert set(why_not(result.recipe, counts)) == {"sure", "gcv"}
    start = mp.core.recipe.Start(sha256="0" * 64)
    begun = result.recipe.model_copy(update={"start": start})
    assert set(why_not(begun, problem)) == {"sure", "gcv", "frc"} and judge(result.x, begun, problem) == {}
    with pytest.raises(mp.InputError, match="began with another picture"):
        divergence(result.x, begun, problem)
    with pytest.raises(mp.InputError, match="probes"):
        divergence(result.x, result.recipe, problem, probes=0)

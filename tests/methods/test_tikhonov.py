"""Tikhonov regularisation against the linear system, solved by numpy."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp

N = 14


@pytest.fixture(scope="module", params=[17, 20], ids=["narrow detector", "whole image"])
def problem(request):
    """On a detector narrower than the image, where AᵀA is Aᵀ(A x), and on one that sees all, where it is Toeplitz."""
    A = mp.operators.ParallelBeam(image_shape=(N, N), angles_deg="0:180:11", detector_count=request.param)
    x = torch.zeros(N, N, dtype=torch.float64)
    x[4:11, 3:9] = 1.0
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.05), seed=2)


def exact_solution(problem, weight, penalty):
    units = torch.eye(N * N, dtype=torch.float64).reshape(-1, 1, N, N)
    M = problem.A(units).flatten(1).T.numpy()
    d = np.eye(N, k=1) - np.eye(N)
    d[-1] = 0
    D = np.concatenate([np.kron(d, np.eye(N)), np.kron(np.eye(N), d)])
    L = D.T @ D if penalty == "gradient" else np.eye(N * N)
    return np.linalg.solve(M.T @ M + weight * L, M.T @ problem.y.numpy().ravel()).reshape(N, N)


@pytest.mark.parametrize("penalty", ["gradient", "identity"])
@pytest.mark.parametrize("weight", [0.01, 1.0, 100.0])
def test_solves_the_linear_system(problem, weight, penalty):
    method = mp.methods.Tikhonov(weight=weight, penalty=penalty, iterations=500, tolerance=1e-10)
    result = mp.reconstruct(problem, method)
    exact = exact_solution(problem, weight, penalty)
    assert result.converged
    assert np.linalg.norm(result.x[0, 0].numpy() - exact) < 1e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize("penalty", ["gradient", "identity"])
def test_defaults_solve_it_well_enough(problem, penalty):
    single = mp.Problem(problem.A, problem.y.float(), noise_std=problem.noise_std)
    result = mp.reconstruct(single, mp.methods.Tikhonov(penalty=penalty))
    exact = exact_solution(problem, result.history[-1]["weight"], penalty)
    assert result.converged and result.iterations < 40
    assert np.linalg.norm(result.x[0, 0].numpy() - exact) < 2e-2 * np.linalg.norm(exact)


def test_what_is_not_measured_is_filled():
    """Iterations that start at zero end before they reach the middle of a hole, as the data do not feel it."""
    row, column = torch.meshgrid(torch.arange(N), torch.arange(N), indexing="ij")
    missing = ((row - 7).abs() <= 3) & ((column - 6).abs() <= 3)
    A = mp.operators.Inpainting(image_shape=(N, N), mask="custom", missing=missing.numpy())
    holed = mp.simulate(1.0 + torch.sin(row / 3.0) * torch.cos(column / 4.0).double(), A)
    result = mp.reconstruct(holed, mp.methods.Tikhonov())
    exact = exact_solution(holed, result.history[-1]["weight"], "gradient")
    assert np.abs(result.x[0, 0].numpy() - exact).max() < 0.06 * np.abs(exact).max()


@pytest.mark.parametrize("penalty", ["gradient", "identity"])
def test_weight_from_the_noise(problem, penalty):
    def weight(std, scale=1.0):
        scaled = mp.Problem(problem.A, problem.y * scale, noise_std=std)
        return mp.reconstruct(scaled, mp.methods.Tikhonov(penalty=penalty)).history[-1]["weight"]

    assert weight(2.0) == pytest.approx(4 * weight(1.0))
    assert weight(0.0) == weight(1e-9) > 0
    for scale in (1e-12, 1e12):
        assert weight(scale, scale) == pytest.approx(weight(1.0))
    assert weight(None) > 0


def test_weights_near_the_best(problem):
    """The automatic weight is within 1 dB of the best one on a grid."""

    def psnr(weight):
        return mp.reconstruct(problem, mp.methods.Tikhonov(weight=weight)).metrics["psnr"]

    assert psnr(None) > max(psnr(w) for w in np.geomspace(0.01, 100, 13)) - 1.0


def test_stops_early_when_it_has_converged(problem):
    loose = mp.reconstruct(problem, mp.methods.Tikhonov(weight=1.0, tolerance=1e-2))
    tight = mp.reconstruct(problem, mp.methods.Tikhonov(weight=1.0, tolerance=1e-8))
    assert loose.iterations < tight.iterations < 50
    assert loose.history[-1]["relative_residual_cg"] <= 1e-2
    assert loose.recipe.stopped_at is None


def test_the_mean_that_shear_does_not_show_stays_zero():
    """Neither data nor penalty see it: single precision must not make it run away."""
    A = mp.operators.KaiserSquires(image_shape=(64, 64))
    kappa = torch.from_numpy(mp.io.samples.image("kappa", size=64))
    problem = mp.simulate(kappa, A, mp.noise.Gaussian(std=0.08))
    result = mp.reconstruct(problem, mp.methods.Tikhonov(iterations=200, tolerance=1e-6))
    assert float(result.x.mean().abs()) < 1e-3 * float(result.x.abs().max())


@pytest.mark.parametrize("penalty", ["gradient", "identity"])
def test_dense_solution_of_24_by_24(penalty):
    A = mp.operators.ParallelBeam(image_shape=(24, 24), angles_deg="0:180:24", detector_count=34)
    units = torch.eye(24 * 24, dtype=torch.float64).reshape(-1, 1, 24, 24)
    M = A(units).flatten(1).T
    random = torch.Generator().manual_seed(5)
    y = A(torch.rand(1, 1, 24, 24, generator=random, dtype=torch.float64))
    y += 0.2 * torch.randn(y.shape, generator=random, dtype=torch.float64)
    d = torch.diff(torch.eye(24, dtype=torch.float64), dim=0)
    one = torch.eye(24, dtype=torch.float64)
    L = torch.eye(24 * 24) if penalty == "identity" else torch.kron(d.T @ d, one) + torch.kron(one, d.T @ d)
    for weight in (0.3, 0.01):
        exact = torch.linalg.solve(M.T @ M + weight * L, M.T @ y.ravel()).reshape(24, 24)
        method = mp.methods.Tikhonov(weight=weight, penalty=penalty, iterations=2000, tolerance=1e-10)
        found = mp.reconstruct(mp.Problem(A, y), method).x[0, 0]
        assert (found - exact).norm() < 1e-6 * exact.norm()


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("weight", [1e7, 1e10, 1e15, 1e25])
def test_heavy_smoothing_leaves_the_best_flat_picture(weight, kind):
    """Where c minimises ``‖A c - y‖``, in closed form; or the picture is the dense solution."""
    A = mp.operators.ParallelBeam(image_shape=(12, 12), angles_deg="0:180:9", detector_count=18)
    y = torch.rand(1, 1, 9, 18, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    flat = A(torch.ones(1, 1, 12, 12, dtype=torch.float64))
    level = float((flat * y).sum() / flat.square().sum())
    found = mp.reconstruct(mp.Problem(A, y.to(kind)), mp.methods.Tikhonov(weight=weight))
    assert found.converged and found.x.dtype == kind
    assert float((found.x - level).abs().max()) < 2e-4 * abs(level) + 2e-5


def test_a_weight_beyond_single_precision_is_said_to_be_the_cause():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    with pytest.raises(mp.InputError, match="a weight far too large"):
        mp.reconstruct(mp.Problem(A, torch.ones(1, 1, 6, 12)), mp.methods.Tikhonov(weight=1e300))

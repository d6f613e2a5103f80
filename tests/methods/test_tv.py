"""Total variation against a plain primal-dual iteration on the operator's matrix, which shares no code with it."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.methods.tv import automatic_weight, objective

N = 16


def phantom():
    x = np.zeros((N, N))
    x[4:12, 3:10] = 1.0
    x[6:9, 8:14] = 2.0
    return x


@pytest.fixture(scope="module")
def problem():
    A = mp.operators.ParallelBeam(image_shape=(N, N), angles_deg="0:180:12", detector_count=24)
    return mp.simulate(torch.tensor(phantom()), A, mp.noise.Gaussian(relative=0.1), seed=1)


class Matrix(Operator):
    """A scan as a plain matrix: without the Toeplitz form's small difference, and quick at this size."""

    def __init__(self, A):
        self.A, self.matrix = A, matrix_of(A)
        self.domain_shape, self.range_shape = A.domain_shape, A.range_shape

    def _apply(self, x):
        return (x.flatten(1) @ self.matrix.T.to(x.dtype)).reshape(-1, 1, *self.range_shape)

    def _adjoint(self, y):
        return (y.flatten(1) @ self.matrix.to(y.dtype)).reshape(-1, 1, *self.domain_shape)

    def normal_symbol(self, device, dtype):
        return self.A.normal_symbol(device, dtype)


def matrix_of(A):
    units = torch.eye(N * N, dtype=torch.float64).reshape(-1, 1, N, N)
    return A(units).flatten(1).T.contiguous()


def differences():
    """Matrices of the forward differences along rows and columns of an N x N image."""
    d = np.eye(N, k=1) - np.eye(N)
    d[-1] = 0
    return [torch.tensor(k).to_sparse_csr() for k in (np.kron(d, np.eye(N)), np.kron(np.eye(N), d))]


def plain_objective(x, M, y, weight, isotropic):
    rows, columns = (d @ x for d in differences())
    length = torch.sqrt(rows**2 + columns**2) if isotropic else rows.abs() + columns.abs()
    return float(0.5 * (M @ x - y).square().sum() + weight * length.sum())


def plain_primal_dual(M, y, weight, isotropic, nonnegative):
    """Chambolle & Pock (2011), algorithm 1, with both terms dualised, each with its own step: no shortcut at all."""
    rows, columns = differences()
    rows_transposed, columns_transposed = (d.to_dense().T.to_sparse_csr() for d in (rows, columns))
    tau = 0.003
    sigma_p, sigma_q = 0.5 / (tau * torch.linalg.norm(M, 2) ** 2), 0.5 / (tau * 8)
    x = bar = torch.zeros(N * N, dtype=torch.float64)
    p, q, r = torch.zeros_like(y), torch.zeros_like(x), torch.zeros_like(x)
    for _ in range(4000):
        p = (p + sigma_p * (M @ bar - y)) / (1 + sigma_p)
        q, r = q + sigma_q * (rows @ bar), r + sigma_q * (columns @ bar)
        if isotropic:
            size = (torch.sqrt(q**2 + r**2) / weight).clamp(min=1)
            q, r = q / size, r / size
        else:
            q, r = q.clamp(-weight, weight), r.clamp(-weight, weight)
        old, x = x, x - tau * (M.T @ p + rows_transposed @ q + columns_transposed @ r)
        x = x.clamp(min=0) if nonnegative else x
        bar = 2 * x - old
    return x, plain_objective(x, M, y, weight, isotropic)


@pytest.mark.parametrize(
    ("norm", "nonnegative", "weight"),
    [
        ("isotropic", False, 0.3),
        ("isotropic", True, 0.3),
        ("anisotropic", False, 0.3),
        ("anisotropic", True, 0.3),
        ("isotropic", False, 3.0),
    ],
)
def test_same_minimum_as_the_plain_iteration(problem, norm, nonnegative, weight):
    problem, isotropic = mp.Problem(Matrix(problem.A), problem.y), norm == "isotropic"
    M, y = problem.A.matrix, problem.y.flatten()
    exact, least = plain_primal_dual(M, y, weight, isotropic, nonnegative)
    if weight == 0.3:
        assert (exact.min() == 0) == nonnegative

    method = mp.methods.TV(weight=weight, norm=norm, nonnegative=nonnegative, iterations=500, tolerance=1e-6)
    last = [iterate for iterate in method.solve(problem) if iterate is not None][-1]
    x = last.x.flatten()
    reached = plain_objective(x, M, y, weight, isotropic)
    assert abs(reached - least) < 1e-4 * least
    assert (x - exact).norm() < 2e-3 * exact.norm()
    assert not nonnegative or x.min() >= 0
    assert last.scalars["objective"] == pytest.approx(reached, rel=1e-6)
    assert objective(last.x, problem, weight, isotropic) == pytest.approx(reached, rel=1e-6)


@pytest.mark.parametrize("weight", [0.3, 3.0])
def test_defaults_come_near_the_minimum(problem, weight):
    """In single precision, with the default tolerance and the Toeplitz form on a very small image."""
    M, y = matrix_of(problem.A), problem.y.flatten()
    exact, least = plain_primal_dual(M, y, weight, True, False)
    result = mp.reconstruct(mp.Problem(problem.A, problem.y.float()), mp.methods.TV(weight=weight))
    x = result.x.flatten().double()
    assert result.converged and result.x.dtype == torch.float32
    assert plain_objective(x, M, y, weight, True) < least * (1 + 1e-3)
    assert (x - exact).norm() < 1e-2 * exact.norm()


def test_strong_weights_leave_only_the_mean(problem):
    flat = mp.reconstruct(problem, mp.methods.TV(weight=1e5, iterations=500)).x
    b, ones = problem.A.T(problem.y), torch.ones_like(problem.truth)
    best = float(b.sum() / problem.A(ones).square().sum())
    assert torch.allclose(flat, torch.full_like(flat, best), rtol=1e-2)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_units_of_the_data_do_not_matter(problem, scale, nonnegative):
    y, std = problem.y.float(), problem.noise_std
    scaled = mp.Problem(problem.A, y * scale, noise_std=std * scale)
    plain = mp.reconstruct(mp.Problem(problem.A, y, noise_std=std), mp.methods.TV(nonnegative=nonnegative))
    found = mp.reconstruct(scaled, mp.methods.TV(nonnegative=nonnegative))
    assert found.iterations == pytest.approx(plain.iterations, abs=3)
    assert (found.x / scale - plain.x).norm() < 1e-3 * plain.x.norm()
    given = mp.reconstruct(scaled, mp.methods.TV(nonnegative=nonnegative, weight=scale * automatic_weight(problem)))
    assert (given.x / scale - plain.x).norm() < 1e-3 * plain.x.norm()


def test_weight_from_the_noise(problem):
    """The weight follows the noise, given or estimated, and never vanishes."""
    A, y = problem.A, problem.y
    weights = [automatic_weight(mp.Problem(A, y, noise_std=std)) for std in (0.0, 1e-9, 1.0, 2.0)]
    assert weights[0] == weights[1] > 0
    assert weights[3] == pytest.approx(2 * weights[2])
    column = float(matrix_of(A).square().sum(0).mean().sqrt())
    assert weights[2] == pytest.approx(0.5 * column, rel=0.1)
    assert automatic_weight(mp.Problem(A, 0 * y)) > 0


def test_better_than_back_projection(problem):
    tv = mp.reconstruct(problem, mp.methods.TV()).metrics
    fbp = mp.reconstruct(problem, mp.methods.FBP()).metrics
    assert tv["psnr"] > fbp["psnr"] + 3
    assert 0.5 < tv["reduced_chi_square"] < 2


def test_flat_picture():
    """Where the first picture has no gradient at all, a step length is found nevertheless."""
    A = mp.operators.ParallelBeam(image_shape=(1, 1), angles_deg="0:180:8", detector_count=3)
    problem = mp.Problem(A, A(torch.full((1, 1, 1, 1), 5.0)))
    assert mp.reconstruct(problem, mp.methods.TV()).x.item() == pytest.approx(5, rel=0.02)

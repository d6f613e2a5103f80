"""Conjugate gradients against numpy.linalg.solve."""

import numpy as np
import pytest
import torch

from napari_mlpatch.solvers.cg import cg
from napari_mlpatch.solvers.items import dot, norm


def system(n=12, condition=1e3, seed=0, dtype=torch.float64):
    """A symmetric positive definite matrix of known condition, a right-hand side, and the solution."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    matrix = (q * np.geomspace(1, condition, n)) @ q.T
    b = rng.normal(size=n)
    return torch.tensor(matrix, dtype=dtype), torch.tensor(b, dtype=dtype), np.linalg.solve(matrix, b)


def solve(matrix, b, x=None, **options):
    steps = list(cg(lambda v: matrix @ v, b, torch.zeros_like(b) if x is None else x, **options))
    return steps[-1], steps


def error(step, exact):
    return np.linalg.norm(step.x.numpy() - exact) / np.linalg.norm(exact)


def test_solves_in_at_most_n_steps():
    matrix, b, exact = system(n=12, condition=10)
    last, steps = solve(matrix, b, tolerance=1e-9)
    assert error(last, exact) < 1e-7
    assert [s.k for s in steps] == list(range(len(steps))) and last.k <= 12
    assert torch.allclose(last.residual, b - matrix @ last.x, atol=1e-9)
    assert last.relative_residual <= 1e-9


def test_preconditioned():
    matrix, b, exact = system(n=40, condition=1e6)
    matrix = torch.diag(torch.logspace(0, 3, 40, dtype=torch.float64)) @ (matrix / 1e6 + torch.eye(40))
    matrix = matrix @ matrix.T
    exact = np.linalg.solve(matrix.numpy(), b.numpy())
    diagonal = matrix.diag()
    slow, _ = solve(matrix, b, iterations=40, tolerance=1e-10)
    fast, _ = solve(matrix, b, iterations=200, tolerance=1e-10, precondition=lambda r: r / diagonal)
    assert error(fast, exact) < 1e-6
    assert fast.relative_residual <= 1e-10 and fast.k <= 40
    assert slow.relative_residual > 1e3 * fast.relative_residual
    perfect, _ = solve(matrix, b, precondition=lambda r: torch.linalg.solve(matrix, r))
    assert perfect.k <= 2


def test_starts_from_the_given_point():
    matrix, b, exact = system()
    warm, steps = solve(matrix, b, torch.tensor(exact), tolerance=1e-8)
    assert len(steps) == 1 and warm.k == 0
    far, _ = solve(matrix, b, 1e3 * torch.ones_like(b), tolerance=1e-10)
    assert error(far, exact) < 1e-6


def test_zero_right_hand_side():
    matrix, b, _ = system()
    last, steps = solve(matrix, 0 * b, torch.ones_like(b))
    assert len(steps) == 1 and torch.equal(last.x, 0 * b)


def test_no_iterations():
    matrix, b, _ = system()
    last, steps = solve(matrix, b, iterations=0)
    assert len(steps) == 1 and torch.equal(last.x, 0 * b) and last.relative_residual == 1


@pytest.mark.parametrize("sign", [-1, 0])
def test_stops_where_the_matrix_is_not_positive(sign):
    matrix = torch.diag(torch.tensor([1.0, sign, 2.0]))
    b = torch.tensor([0.0, 1.0, 0.0])
    last, steps = solve(matrix, b)
    assert len(steps) == 1 and torch.isfinite(last.x).all()


def test_not_a_number_ends_it():
    _, steps = solve(torch.eye(3) * float("nan"), torch.ones(3))
    assert len(steps) <= 2


def test_batches_and_complex_systems():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(9, 9)) + 1j * rng.normal(size=(9, 9))
    matrix = torch.tensor(matrix @ matrix.conj().T + np.eye(9))
    b = torch.tensor(rng.normal(size=(9, 2)) + 1j * rng.normal(size=(9, 2)))
    last, _ = solve(matrix, b, tolerance=1e-12)
    assert np.allclose(last.x.numpy(), np.linalg.solve(matrix.numpy(), b.numpy()))


def test_continues_exactly():
    matrix, b, _ = system(n=20)
    _, whole = solve(matrix, b, iterations=15, tolerance=0)
    _, first = solve(matrix, b, iterations=6, tolerance=0)
    last, rest = solve(matrix, b, iterations=15, tolerance=0, state=first[-1].state)
    assert [s.k for s in rest] == list(range(6, 16))
    assert torch.equal(last.x, whole[-1].x)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_any_scale_in_single_precision(scale):
    """Squares of such numbers leave the range of float32."""
    matrix, b, exact = system(condition=10, dtype=torch.float32)
    last, _ = solve(matrix, b * scale, tolerance=1e-6)
    assert last.k > 1 and error(last, exact * scale) < 1e-4
    assert norm(b * scale) == pytest.approx(scale * float(b.norm()), rel=1e-5)
    assert dot(b * scale, b * scale) == pytest.approx(scale**2 * float(b @ b), rel=1e-5)

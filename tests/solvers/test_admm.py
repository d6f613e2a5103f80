"""ADMM against problems whose solution is known."""

import numpy as np
import pytest
import scipy.optimize
import torch

from napari_mlpatch.solvers.admm import Term, admm
from napari_mlpatch.solvers.gradient import gradient, gradient_transpose, laplacian_symbol, shrink


def identity(x):
    return x


def solve(normal, b, terms, **options):
    options = {
        "normal_symbol": 1.0,
        "rho": 1.0,
        "iterations": 300,
        "inner_iterations": 5,
        "inner_tolerance": 1e-13,
    } | options
    return [step for step in admm(normal, b, terms, torch.zeros_like(b), **options) if step is not None]


def total_variation(like, weight):
    return Term(gradient, gradient_transpose, lambda v, t: shrink(v, weight * t, True), laplacian_symbol(like))


def row(*values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


@pytest.mark.parametrize(("weight", "expected"), [(0.5, (0.5, 2.5)), (1.5, (1.5, 1.5)), (4.0, (1.5, 1.5))])
def test_two_pixels(weight, expected):
    """``½ ‖x - y‖² + weight |x1 - x0|``: the two approach each other by weight each until they meet."""
    y = row(0, 3)
    last = solve(identity, y, [total_variation(y, weight)])[-1]
    assert torch.allclose(last.x, row(*expected), atol=1e-8)


def test_step():
    """Total variation lowers a plateau of n pixels by weight / n."""
    y = row(*[0] * 4, *[2] * 6)
    last = solve(identity, y, [total_variation(y, 0.6)])[-1]
    assert torch.allclose(last.x, row(*[0.6 / 4] * 4, *[2 - 0.6 / 6] * 6), atol=1e-8)
    assert last.primal < 1e-8 and last.change < 1e-8


def test_quadratic_terms():
    """``½ <x, M x> - <b, x> + ½ ‖K x - c‖² + ½ ‖x - d‖²``: a linear system."""
    rng = np.random.default_rng(0)
    root, K = torch.tensor(rng.normal(size=(12, 8))), torch.tensor(rng.normal(size=(5, 8)))
    M, (b, d), c = root.T @ root, torch.tensor(rng.normal(size=(2, 8))), torch.tensor(rng.normal(size=5))

    def near(point):
        return lambda v, t: (v + t * point) / (1 + t)

    terms = [Term(lambda x: K @ x, lambda z: K.T @ z, near(c), 2.0), Term(identity, identity, near(d), 1.0)]
    last = solve(lambda x: M @ x, b, terms, inner_iterations=20)[-1]
    exact = np.linalg.solve(M + K.T @ K + torch.eye(8), b + K.T @ c + d)
    assert np.allclose(last.x, exact, atol=1e-8)


def test_nonnegative_least_squares():
    rng = np.random.default_rng(3)
    A, y = rng.normal(size=(20, 10)), rng.normal(size=20)
    M, b = torch.tensor(A.T @ A), torch.tensor(A.T @ y)
    positive = Term(identity, identity, lambda v, t: v.clamp(min=0), 1.0)
    steps = solve(lambda x: M @ x, b, [positive], normal_symbol=20.0, inner_iterations=10, iterations=2000)
    exact, _ = scipy.optimize.nnls(A, y)
    assert (exact == 0).sum() > 1
    assert np.allclose(steps[-1].x, exact, atol=1e-7)
    assert steps[-1].primal < 1e-6


def test_without_terms_it_solves_the_linear_system():
    M = torch.diag(torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64))
    last = solve(lambda x: M @ x, torch.ones(3, dtype=torch.float64), [], iterations=3)[-1]
    assert torch.allclose(last.x, 1 / M.diag())


@pytest.mark.parametrize("rho", [1e-4, 1e4])
def test_finds_a_step_length_itself(rho):
    y = row(*[0] * 4, *[2] * 6)
    last = solve(identity, y, [total_variation(y, 0.6)], rho=rho, iterations=500)[-1]
    assert torch.allclose(last.x, row(*[0.15] * 4, *[1.9] * 6), atol=1e-4)
    assert 1e-3 < last.state["rho"] < 1e3


@pytest.mark.parametrize("stop", [1, 7, 70])
def test_continues_exactly(stop):
    y = torch.randn(1, 1, 9, 11)
    options = {"terms": [total_variation(y, 0.3)], "rho": 10.0, "inner_iterations": 2}
    whole = solve(identity, y, iterations=90, **options)
    first = solve(identity, y, iterations=stop, **options)
    rest = solve(identity, y, iterations=90, state=first[-1].state, **options)
    assert [s.k for s in first + rest] == list(range(1, 91))
    assert torch.equal(rest[-1].x, whole[-1].x)


def test_gives_way_during_inner_work():
    y = torch.randn(1, 1, 5, 5)
    steps = list(
        admm(identity, y, [total_variation(y, 0.3)], y, normal_symbol=1.0, rho=1.0, iterations=3, inner_iterations=2)
    )
    assert steps.count(None) >= 3 and [s.k for s in steps if s] == [1, 2, 3]


def test_nothing_but_zeros():
    y = torch.zeros(1, 1, 6, 6)
    last = solve(identity, y, [total_variation(y, 0.3)], iterations=5)[-1]
    assert torch.equal(last.x, y) and last.change == last.primal == last.dual == 0


def test_what_neither_data_nor_terms_see():
    """Data without their mean: it stays as it was, and does not stop the rest."""
    y = row(-2, -1, 0, 3)
    symbol = torch.ones(1, 3, dtype=torch.float64)
    symbol[0, 0] = 0
    last = solve(lambda x: x - x.mean(), y, [total_variation(y, 0.5)], normal_symbol=symbol)[-1]
    assert torch.allclose(last.x, row(-1.5, -1.0, 0.0, 2.5), atol=1e-6)


def test_an_ill_conditioned_system_is_solved_well_enough():
    # Some directions are seen a thousand times less than others, and the preconditioner does not know.
    n = 24
    Q = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))[0]
    M = Q @ torch.diag(torch.logspace(-3, 0, n, dtype=torch.float64)) @ Q.T
    truth = row(*torch.randn(n, generator=torch.Generator().manual_seed(3)).tolist())
    free = Term(identity, identity, lambda v, step: v, 1.0)  # no second term at all

    def error(patience):
        options = {"rho": 0.01, "iterations": 150, "inner_iterations": 2, "patience": patience}
        last = solve(lambda x: x @ M, truth @ M, [free], **options)[-1]
        return float((last.x - truth).norm() / truth.norm())

    assert error(5) < 0.2 * error(1)


def test_continues_an_ill_conditioned_problem_exactly():
    M = torch.diag(torch.logspace(-3, 0, 24, dtype=torch.float64)) + 0.01
    y = row(*range(24))
    options = {"terms": [total_variation(y, 0.3)], "inner_iterations": 2}
    whole = solve(lambda x: x @ M, y, iterations=40, **options)
    first = solve(lambda x: x @ M, y, iterations=15, **options)
    rest = solve(lambda x: x @ M, y, iterations=40, state=first[-1].state, **options)
    assert not all(s.solved for s in whole)
    assert torch.equal(rest[-1].x, whole[-1].x)

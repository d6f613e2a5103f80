"""``z = f(z)``: linear maps against dense solves, a small network on real operators."""

import pytest
import torch

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.solvers.fixed_point import fixed_point
from napari_mlpatch.solvers.spectral_radius import spectral_radius

from .problems import Prox, blur, coils, projector

SOLVERS = ["anderson", "broyden", "plain"]
each_solver = pytest.mark.parametrize("solver", SOLVERS)


def last(f, z, **options):
    *_, step = fixed_point(f, z, **options)
    return step


def affine(radius=0.9, n=30, count=2, dtype=torch.float64):
    """``M x + c`` and its fixed point: M is not symmetric, its eigenvalues are known."""
    basis = torch.eye(n, dtype=torch.float64) + 0.1 * torch.randn(n, n, dtype=torch.float64)
    matrix = basis @ torch.linspace(-0.5, radius, n, dtype=torch.float64).diag() @ torch.linalg.inv(basis)
    c = torch.randn(count, n, dtype=torch.float64)
    solution = torch.linalg.solve(torch.eye(n, dtype=torch.float64) - matrix, c.T).T
    matrix, c = matrix.to(dtype), c.to(dtype)
    return (lambda x: x @ matrix.T + c), solution.to(dtype)


@each_solver
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_affine_map_against_a_dense_solve(solver, dtype):
    f, solution = affine(dtype=dtype)
    tolerance = 1e-10 if dtype == torch.float64 else 1e-6
    step = last(f, torch.zeros_like(solution), solver=solver, iterations=500, tolerance=tolerance)
    assert step.converged.all() and (step.residuals <= tolerance).all()
    assert (step.z - solution).norm() < 50 * tolerance * solution.norm()
    assert step.z.dtype == dtype and torch.equal(step.best, step.z) and step.residuals.shape == (2,)


@each_solver
@pytest.mark.parametrize("A", [blur(), projector(), coils()], ids=["blur", "projector", "coils"])
def test_small_network(A, solver):
    f = Prox(A)
    step = last(f, f.start, solver=solver, iterations=500, tolerance=1e-8)
    assert step.converged.all()
    assert (f(step.z) - step.z).norm() < 1e-7 * step.z.norm()


@pytest.mark.parametrize("A", [blur((24, 20)), projector((24, 24))], ids=["blur", "projector"])
@pytest.mark.parametrize("tolerance", [1e-4, 1e-8])
def test_anderson_takes_at_most_half_of_the_iterations(A, tolerance):
    f = Prox(A)
    plain, fast, broyden = (
        last(f, f.start, solver=solver, iterations=1000, tolerance=tolerance)
        for solver in ("plain", "anderson", "broyden")
    )
    assert plain.converged.all() and fast.converged.all()
    assert fast.k <= plain.k / 2 and broyden.k <= 0.7 * plain.k


def test_plain_iterations_are_applications_of_f():
    f = Prox(blur())
    z = f.start
    for step in fixed_point(f, f.start, solver="plain", iterations=7, tolerance=0):
        z, before = f(z).detach(), z
        assert torch.equal(step.z, z) and step.k <= 7
        assert torch.allclose(step.residuals, ((z - before).flatten(1).norm(dim=1) / z.flatten(1).norm(dim=1)).double())
    assert step.k == 7 and not step.converged.any()


@each_solver
def test_items_are_independent(solver):
    """One that converges at once, one that never does, one that is not a number: each as if it were alone."""
    f = Prox(blur(), count=4)
    start = f.start
    start[1] = last(f, start, solver="plain", iterations=500, tolerance=1e-15).z[1]
    start[3] = float("nan")
    options = {"solver": solver, "iterations": 60, "tolerance": torch.tensor([1e-9, 1e-6, 0.0, 1e-6])}
    together = last(f, start, **options)
    assert together.converged.tolist() == [together.residuals[0] <= 1e-9, True, False, False]
    assert together.residuals[3] == torch.inf and together.z[:3].isfinite().all()
    for i in range(3):
        alone = last(
            lambda x, i=i: f(x, slice(i, i + 1)),
            start[i : i + 1],
            **options | {"tolerance": float(options["tolerance"][i])},
        )
        assert (alone.z[0] - together.z[i]).norm() < 1e-7 * alone.z.norm()


@each_solver
def test_states_of_several_tensors(solver):
    """Of ADMM's kind: (z, u), one of them complex."""
    A, c = 0.5, torch.randn(2, 1, 3, 4, dtype=torch.complex128)

    def f(state):
        z, u = state
        return A * z.conj() + 0.2 * u[:, None, None] + c, 0.3 * u + z.real.mean((-2, -1))

    start = (torch.zeros_like(c), torch.zeros(2, 1, dtype=torch.float64))
    step = last(f, start, solver=solver, iterations=200, tolerance=1e-10)
    z, u = f(step.z)
    assert step.converged.all() and isinstance(step.best, tuple)
    assert torch.allclose(z, step.z[0]) and torch.allclose(u, step.z[1])


@each_solver
def test_continues_exactly(solver):
    f = Prox(projector())
    whole = list(fixed_point(f, f.start, solver=solver, iterations=12, tolerance=0))
    rest = list(fixed_point(f, f.start, solver=solver, iterations=12, tolerance=0, state=whole[4].state))
    assert [s.k for s in rest] == list(range(6, 13))
    assert torch.equal(rest[-1].z, whole[-1].z) and torch.equal(rest[-1].contraction, whole[-1].contraction)
    done = last(f, f.start, solver=solver, iterations=500, tolerance=1e-3)
    assert not list(fixed_point(f, f.start, solver=solver, iterations=600, tolerance=1e-3, state=done.state))


@each_solver
def test_expansions_are_told(solver):
    f = lambda x: x * x + 1.0  # noqa: E731  (has no fixed point)
    step = last(f, torch.full((1, 1, 2, 2), 2.0), solver=solver, iterations=200)
    assert not step.converged.any() and step.best.isfinite().all() and step.contraction > 1
    assert (step.best_residuals <= 1.0).all() and step.z.isfinite().all()


def test_anderson_finds_what_plain_iterations_leave():
    """A fixed point that repels."""
    f = lambda x: -1.7 * x + 0.1 * torch.sin(x) + 1.0  # noqa: E731
    start = torch.randn(2, 1, 4, 4, dtype=torch.float64)
    assert last(f, start, iterations=50, tolerance=1e-9).converged.all()
    assert last(f, start, iterations=50, tolerance=1e-9, solver="broyden").converged.all()
    assert not last(f, start, iterations=50, tolerance=1e-9, solver="plain").converged.any()


def test_starts_anew_where_residuals_grow():
    """A kink makes what was remembered wrong; the best iterate is kept."""
    f = lambda x: torch.where(x > 1.0, 0.2 * x + 3.0, 0.9 * x + 0.5)  # noqa: E731
    steps = list(fixed_point(f, torch.zeros(1, 1, 3, 3, dtype=torch.float64), iterations=60, tolerance=1e-12))
    assert steps[-1].converged.all() and torch.allclose(steps[-1].z, torch.full_like(steps[-1].z, 3.75))
    least = [float(s.best_residuals) for s in steps]
    assert least == sorted(least, reverse=True)


def test_zero_and_exact_starts():
    f = Prox(blur())
    zero = last(lambda x: 0.5 * x, torch.zeros(2, 1, 3, 3))
    assert zero.k == 1 and zero.converged.all() and not zero.residuals.any()
    assert not list(fixed_point(f, f.start, iterations=0))


def test_looks_less_often():
    f = Prox(blur())
    often, seldom = (last(f, f.start, look=look, tolerance=1e-6, iterations=200) for look in (1, 7))
    assert often.k <= seldom.k < often.k + 7 and torch.equal(often.z, seldom.z)


def test_wrong_use():
    x = torch.zeros(1, 1, 2, 2)
    for wrong in (lambda x: x[..., :1], lambda x: (x, x)):
        with pytest.raises(InputError, match="keep the form"):
            last(wrong, x)
    with pytest.raises(InputError, match="anderson, broyden, plain"):
        last(lambda x: x, x, solver="newton")
    with pytest.raises(InputError, match="memory at least 1"):
        last(lambda x: x, x, memory=0)
    for state in (torch.tensor(1.0), (), (x, torch.zeros(2, 2)), "z"):
        with pytest.raises(InputError, match="state"):
            last(lambda x: x, state)


def test_contraction_from_the_iterates():
    f, solution = affine(radius=0.9)
    step = last(f, torch.zeros_like(solution), solver="plain", iterations=200, tolerance=1e-13)
    assert torch.allclose(step.contraction, torch.full((2,), 0.9, dtype=torch.float64), rtol=0.01)


def test_spectral_radius_of_matrices():
    f, solution = affine(radius=0.9)
    assert torch.allclose(spectral_radius(f, solution), torch.tensor([0.9, 0.9], dtype=torch.float64), rtol=0.01)
    turn = torch.tensor([[0.6, -0.9], [0.9, 0.6]], dtype=torch.float64)
    matrix = torch.block_diag(turn, *torch.linspace(-0.5, 0.5, 8, dtype=torch.float64))
    found = spectral_radius(lambda x: x @ matrix.T, torch.zeros(1, 10, dtype=torch.float64))
    assert float(found) == pytest.approx((0.6**2 + 0.9**2) ** 0.5, rel=1e-3)
    assert not spectral_radius(lambda x: torch.ones_like(x), solution).any()


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_spectral_radius_of_a_network(mode):
    f = Prox(projector((8, 8)))
    z = last(f, f.start, iterations=200, tolerance=1e-9).z
    with mode():
        found = spectral_radius(f, z, iterations=300, tolerance=1e-5)
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda x, i=i: f(x, slice(i, i + 1)), z[i : i + 1])
        largest = float(torch.linalg.eigvals(jacobian.reshape(64, 64)).abs().max())
        assert float(found[i]) == pytest.approx(largest, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_spectral_radius_of_complex_states(dtype):
    z = torch.zeros(2, 1, 3, 3, dtype=dtype)
    assert torch.allclose(spectral_radius(lambda x: 0.8j * x, z), torch.tensor(0.8, dtype=torch.float64))

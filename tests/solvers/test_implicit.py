"""Gradients by the implicit rule against converged unrolling, dense matrices and finite differences."""

import gc

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.solvers.cg import cg
from napari_mlpatch.solvers.implicit import equilibrium, solve_shifted

from .problems import Prox, blur, coils, projector, scaled

OPERATORS = {
    "blur": blur(),
    "projector": projector((8, 8)),
    "coils": coils((6, 5)),
    "one coil": scaled(mp.operators.MRICartesian(image_shape=(8, 7))),
    "pixels": mp.operators.Inpainting(image_shape=(6, 7)),
    "larger pixels": scaled(mp.operators.SuperResolution(image_shape=(8, 6), factor=2, kernel="bicubic")),
    "random": scaled(mp.operators.CompressedSensing(image_shape=(6, 7), matrix="gaussian")),
    "shear": mp.operators.KaiserSquires(image_shape=(8, 7)),
}
each_operator = pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS.keys())
EXACT = {"iterations": 300, "tolerance": 1e-12}


def right_hand_side(A, count=2, dtype=torch.float64):
    kind = dtype.to_complex() if A.complex_image else dtype
    return torch.randn(count, 1, *A.domain_shape, dtype=kind).requires_grad_()


def distance(a, b):
    """Relative, of lists of tensors."""
    return (sum((v - w).norm() ** 2 for v, w in zip(a, b, strict=True)) / sum(w.norm() ** 2 for w in b)) ** 0.5


def numbers(*values, dtype=torch.float64):
    return torch.tensor(values[0] if len(values) == 1 else values, dtype=dtype).requires_grad_()


# ---- (AᵀA + alpha I) x = b ------------------------------------------------------------------------------------------


@each_operator
@pytest.mark.parametrize("alpha", [(0.3,), (0.3, 0.8)], ids=["one", "each"])
def test_solves(A, alpha):
    b, alphas = right_hand_side(A).detach(), torch.tensor(alpha, dtype=torch.float64)
    x = solve_shifted(A, b, alphas, **EXACT)
    assert (A.normal(x) + alphas[:, None, None, None] * x - b).norm() < 1e-10 * b.norm()
    assert torch.equal(solve_shifted(A, b, 0.3), solve_shifted(A, b, torch.tensor(0.3, dtype=torch.float64)))


@each_operator
def test_gradients_against_finite_differences(A):
    f = lambda b, alpha: solve_shifted(A, b, alpha, **EXACT)  # noqa: E731
    given = right_hand_side(A), numbers(0.8, 1.5)
    assert torch.autograd.gradcheck(f, given, fast_mode=True, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(f, given, fast_mode=True)


@pytest.mark.parametrize("name", ["projector", "coils", "blur"])
def test_gradients_against_converged_unrolling(name):
    """Through all steps of conjugate gradients, for the loss of a denoised picture."""
    A = OPERATORS[name]
    b, alpha, truth = right_hand_side(A), numbers(0.05, 0.2), right_hand_side(A).detach()
    shift = alpha[:, None, None, None]
    *_, unrolled = cg(lambda v: A.normal(v) + shift * v, b, torch.zeros_like(b), iterations=200, tolerance=1e-14)
    x = solve_shifted(A, b, alpha, iterations=200, tolerance=1e-9)
    expected, found = (torch.autograd.grad((v - truth).abs().square().sum(), (b, alpha)) for v in (unrolled.x, x))
    assert (x - unrolled.x).norm() < 1e-7 * x.norm()
    assert all(distance([v], [w]) < 1e-5 for v, w in zip(found, expected, strict=True))


def test_single_precision_and_mixed_numbers():
    A = projector()
    b = right_hand_side(A, dtype=torch.float32)
    for alpha in (numbers(0.3, 0.8), numbers(0.3, dtype=torch.float32)):
        x = solve_shifted(A, b, alpha, tolerance=1e-6)
        assert x.dtype == torch.float32
        grads = torch.autograd.grad(x.square().sum(), (b, alpha))
        assert grads[1].dtype == alpha.dtype and grads[1].shape == alpha.shape
        wide = b.detach().double().requires_grad_(), alpha.detach().double().requires_grad_()
        exact = torch.autograd.grad(solve_shifted(A, *wide, **EXACT).square().sum(), wide)
        assert distance([grads[0].double()], exact[:1]) < 1e-5
        assert torch.allclose(grads[1].double(), exact[1], rtol=1e-4)


def test_real_right_hand_sides_have_real_gradients():
    A = coils()
    b = torch.randn(2, 1, *A.domain_shape, dtype=torch.float64).requires_grad_()
    (grad,) = torch.autograd.grad(solve_shifted(A, b, 0.3).abs().square().sum(), b)
    assert grad.dtype == torch.float64


@pytest.mark.parametrize("name", ["projector", "coils", "random"])
def test_maps_over_an_axis(name):
    A = OPERATORS[name]
    b, alpha = torch.stack([right_hand_side(A).detach() for _ in range(3)], 2), torch.tensor([0.2, 0.3, 0.4])
    f = lambda b, alpha: solve_shifted(A, b, alpha, **EXACT)  # noqa: E731
    expected = torch.stack([f(b[:, :, i], alpha[i]) for i in range(3)])
    assert torch.allclose(torch.func.vmap(f, in_dims=(2, 0))(b, alpha), expected)
    assert torch.allclose(torch.func.vmap(f, in_dims=(2, None))(b, alpha[0])[1], f(b[:, :, 1], alpha[0]))


def test_start_and_report():
    A, told = projector(), []
    b = right_hand_side(A)
    exact = solve_shifted(A, b.detach(), 0.3, **EXACT)
    x = solve_shifted(A, b, 0.3, exact, iterations=0, report=told.append)
    assert torch.equal(x, exact) and len(told) == 1 and (told[0] < 1e-10).all()
    x = solve_shifted(A, b, 0.3, iterations=2, report=told.append)
    x.sum().backward()
    assert len(told) == 3 and all((some > 1e-4).all() and some.shape == (2,) for some in told[1:])  # says it did not


def test_wrong_numbers():
    A, b = projector(), right_hand_side(projector())
    for alpha in (0.0, -1.0, torch.tensor([0.1, -0.1]), float("nan")):
        with pytest.raises(InputError, match="alpha > 0"):
            solve_shifted(A, b, alpha)
    for alpha in (torch.ones(3), torch.ones(2, 1)):
        with pytest.raises(InputError, match="one for each of 2 items"):
            solve_shifted(A, b, alpha)
    with pytest.raises(InputError, match="expects a image of shape"):
        solve_shifted(A, b[..., :-1], 0.1)


# ---- z = f(z) -------------------------------------------------------------------------------------------------------

SOLVED = {"iterations": 400, "tolerance": 1e-11}
SOLVED_BACK = {"backward_iterations": 400, "backward_tolerance": 1e-11}


@pytest.mark.parametrize("A", [blur(), projector((8, 8)), coils((8, 6))], ids=["blur", "projector", "coils"])
@pytest.mark.parametrize("backward", ["anderson", "broyden", "neumann"])
def test_equilibrium_against_converged_unrolling(A, backward):
    f = Prox(A, share=0.2)
    truth, z = torch.rand_like(f.start), f.start
    for _ in range(250):
        z = f(z)
    expected = torch.autograd.grad((z - truth).abs().square().sum(), list(f.parameters()))
    found = equilibrium(f, f.start, backward=backward, **SOLVED, **SOLVED_BACK)
    grads = torch.autograd.grad((found.z - truth).abs().square().sum(), list(f.parameters()))
    assert found.forward.converged.all() and found.backward.converged.all()
    assert (found.z - z).norm() < 1e-8 * z.norm()
    assert distance(grads, expected) < 1e-6


@pytest.mark.parametrize(("backward", "bound"), [("anderson", 1e-3), ("neumann", 1e-2), ("jacobian-free", 0.5)])
def test_gradients_at_usual_tolerances(backward, bound):
    f = Prox(projector())
    grads = [
        torch.autograd.grad(equilibrium(f, f.start, **options).z.square().sum(), list(f.parameters()))
        for options in (
            SOLVED | SOLVED_BACK,
            {"backward": backward, "iterations": 60, "tolerance": 1e-5, "backward_iterations": 60},
        )
    ]
    assert distance(grads[1], grads[0]) < bound
    cosine = (
        sum((v * w).sum() for v, w in zip(*grads, strict=True))
        / (sum(v.norm() ** 2 for v in grads[0]) * sum(v.norm() ** 2 for v in grads[1])).sqrt()
    )
    assert cosine > 0.9


def test_neumann_is_its_series():
    """Of an affine map: ``v = g + Mᵀ g + (Mᵀ)² g`` for two terms beyond the first."""
    matrix, c = 0.4 * torch.randn(5, 5, dtype=torch.float64) / 5**0.5, torch.randn(2, 5, dtype=torch.float64)
    c.requires_grad_()
    g = torch.randn(2, 5, dtype=torch.float64)
    for backward, count in (("neumann", 0), ("neumann", 2), ("jacobian-free", 7)):
        found = equilibrium(
            lambda x: x @ matrix.T + c, c.detach(), **SOLVED, backward=backward, backward_iterations=count
        )
        (v,) = torch.autograd.grad(found.z, c, g)
        terms = [g @ torch.linalg.matrix_power(matrix, i) for i in range(count + 1 if backward == "neumann" else 1)]
        assert torch.allclose(v, sum(terms))


def test_equilibrium_of_several_tensors_with_a_solve_inside():
    """ADMM's (z, u), with a shifted solve in each step, against finite differences."""
    A = projector((3, 3))
    b = A.T(A(torch.rand(2, 1, 3, 3, dtype=torch.float64)))

    def fixed(b, alpha, gain):
        def f(state):
            z, u = state
            x = solve_shifted(A, b + alpha * (z - u), alpha, iterations=60, tolerance=1e-12)
            z = gain * torch.tanh(x + u)
            return z, 0.9 * (u + 0.5 * (x - z))

        start = (b.detach(), torch.zeros_like(b))
        return equilibrium(f, start, iterations=200, tolerance=1e-10, backward_iterations=200, backward_tolerance=1e-10)

    given = b.requires_grad_(), numbers(0.4), numbers(0.8)
    found = fixed(*given)
    assert found.forward.converged.all() and isinstance(found.z, tuple)
    assert torch.autograd.gradcheck(lambda *v: fixed(*v).z, given, fast_mode=True, rtol=1e-2)


class Bytes:
    """Of what autograd keeps while it is entered."""

    def __enter__(self):
        self.kept = 0
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self.pack, lambda x: x)
        self.hooks.__enter__()
        return self

    def pack(self, x):
        self.kept += x.numel() * x.element_size()
        return x

    def __exit__(self, *error):
        self.hooks.__exit__(*error)


def living_bytes():
    gc.collect()
    storages = {
        x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in filter(is_dense, gc.get_objects())
    }
    return sum(storages.values())


def is_dense(thing):
    return isinstance(thing, torch.Tensor) and thing.layout == torch.strided


@pytest.mark.parametrize("solver", ["anderson", "plain"])
def test_memory_does_not_grow_with_the_iterations(solver):
    f, kept, living = Prox(projector()), [], []
    f(f.start)
    for iterations in (10, 100):
        before = living_bytes() if solver == "anderson" else 0
        with Bytes() as bytes_:
            found = equilibrium(f, f.start, solver=solver, iterations=iterations, tolerance=0.0)
        assert found.forward.k == iterations
        kept.append(bytes_.kept)
        living.append(living_bytes() - before if solver == "anderson" else 1)
        found.z.square().sum().backward()
        del found
    assert kept[0] == kept[1] > 0
    assert living[1] <= 1.1 * living[0]
    with Bytes() as one:
        f(f.start.requires_grad_())
    assert kept[0] <= one.kept + 3 * f.start.numel() * 8  # and what the result itself is made of


@pytest.mark.parametrize("name", ["projector", "coils"])
def test_memory_does_not_grow_with_the_steps(name):
    A, kept = OPERATORS[name], []
    for iterations in (2, 20, 50):
        with Bytes() as bytes_:
            x = solve_shifted(A, right_hand_side(A), numbers(0.1), iterations=iterations, tolerance=0.0)
        kept.append(bytes_.kept)
    assert kept[0] == kept[1] == kept[2] <= x.numel() * x.element_size() + 16 * len(x)


def test_what_does_not_converge_is_told():
    f = lambda x: 2.0 * x.abs() + weight  # noqa: E731  (expands, and its vjp too)
    weight = numbers(1.0)
    found = equilibrium(f, torch.ones(2, 1, 3, 3, dtype=torch.float64), iterations=4, solver="plain", backward="plain")
    found.z.sum().backward()
    assert not found.forward.converged.any() and not found.backward.converged.any()
    assert weight.grad.isfinite()


def test_without_gradients():
    f = Prox(blur())
    with torch.no_grad():
        assert not equilibrium(f, f.start).z.requires_grad
    with torch.inference_mode():
        assert equilibrium(f, f.start).forward.converged.all()
    f.requires_grad_(False)
    assert not equilibrium(f, f.start).z.requires_grad


def test_wrong_use():
    f = Prox(blur())
    with pytest.raises(InputError, match="jacobian-free"):
        equilibrium(f, f.start, backward="exact")
    with pytest.raises(InputError, match="iterations >= 1"):
        equilibrium(f, f.start, iterations=0)
    z = equilibrium(f, f.start).z
    (grad,) = torch.autograd.grad(z.square().sum(), f.b, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()

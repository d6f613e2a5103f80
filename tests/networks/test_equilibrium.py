"""Deep equilibrium networks: their fixed points, against closed forms, and their gradients, against unrolling."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.scaling import divided
from napari_mlpatch.solvers.fixed_point import fixed_point

MAPS = ("de-grad", "de-prox", "de-admm")
each_map = pytest.mark.parametrize("name", MAPS)


def blur(size=10, width=0.7):
    return divided(mp.operators.Blur(image_shape=(size, size + 2), width=width))


def tomography():
    A = mp.operators.ParallelBeam(image_shape=(10, 10), angles_deg="0:180:12", detector_count=15)
    return divided(A)


def network(name, **params):
    torch.manual_seed(0)
    made = networks.build(name, {"depth": 3, "width": 4, "iterations": 200, "tolerance": 1e-8, **params}).double()
    for layer in made.denoiser.layers:  # away from the start, where convolutions see one pixel
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias, std=0.1)
    return made


def silent(name, step, identity):
    """A network whose CNN gives its input, so that D is the identity, or nothing, so that D halves."""
    made = network(name, lipschitz=1.0, step=step, depth=2, width=2)
    with torch.no_grad():
        for layer in made.denoiser.layers:
            layer.weight.zero_()
            layer.bias.zero_()
        if identity:
            first, last = made.denoiser.layers
            first.weight[:, 0, 1, 1] = 1.0  # twice, over sqrt(2); the larger and the smaller of equals are the same
            last.weight[0, :, 1, 1] = 1.0
    return made


def dense(A):
    """AᵀA as a matrix."""
    n = A.domain_shape[0] * A.domain_shape[1]
    basis = torch.eye(n, dtype=torch.float64).view(n, 1, *A.domain_shape)
    return A.normal(basis).view(n, n).mT


def closed_form(A, y, weight):
    b = A.T(y).flatten(1)
    n = b.shape[1]
    matrix = dense(A) + weight * torch.eye(n, dtype=torch.float64)
    return torch.linalg.solve(matrix, b.mT).mT.view(len(y), 1, *A.domain_shape)


WEIGHTS = {"de-prox": lambda step: 1 / step, "de-grad": lambda step: (1 - step) / (2 * step), "de-admm": lambda s: s}


@each_map
@pytest.mark.parametrize("A", [blur(), tomography()], ids=["blur", "ct"])
def test_with_a_denoiser_that_halves_it_is_tikhonov(name, A):
    """x = D(...) with D(x) = x / 2 is a linear equation: written out for each map in WEIGHTS."""
    y = torch.rand(2, 1, *A.range_shape, dtype=torch.float64)
    x = silent(name, 0.3, identity=False)(y, A)
    expected = closed_form(A, y, WEIGHTS[name](0.3))
    assert (x - expected).norm() <= 1e-5 * expected.norm()


@each_map
def test_with_a_denoiser_that_does_nothing_it_is_least_squares(name):
    A = blur(width=0.45)
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.float64)
    made = silent(name, 0.9, identity=True)
    x = torch.rand(1, 1, *A.domain_shape, dtype=torch.float64)
    assert torch.allclose(made.denoiser(x), x, atol=1e-12)
    expected = closed_form(A, y, 0.0)
    assert (made(y, A) - expected).norm() <= 1e-5 * expected.norm()


@each_map
def test_every_start_leads_to_the_same_picture_by_plain_iteration(name):
    """Random weights: nothing was trained to converge."""
    made, A = network(name, lipschitz=0.2), blur()
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64)
    equation = made.equation(y, A)
    pictures = []
    for scale in (0.0, 10.0):
        start = made.first(scale * torch.randn(1, 1, *A.domain_shape, dtype=torch.float64))
        *_, last = fixed_point(equation.f, start, solver="plain", iterations=200, tolerance=1e-8)
        assert bool(last.converged.all())
        pictures.append(equation.picture(last.z))
    assert (pictures[0] - pictures[1]).norm() <= 1e-5 * pictures[0].norm()
    assert (made(y, A) - pictures[0]).norm() <= 1e-5 * pictures[0].norm()


@pytest.mark.parametrize(("name", "backward"), [*((name, "anderson") for name in MAPS), ("de-prox", "neumann")])
def test_gradients_are_those_of_unrolling_to_the_end(name, backward):
    made, A = network(name, lipschitz=0.3, backward=backward, step=0.5), blur(6)
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64)
    weights = list(made.parameters())
    loss = made(y, A).square().sum()
    implicit = torch.autograd.grad(loss, weights)
    equation = made.equation(y, A)
    z = equation.start
    for _ in range(90):
        z = equation.f(z)
    unrolled = torch.autograd.grad(equation.picture(z).square().sum(), weights)
    for a, b in zip(implicit, unrolled, strict=True):
        assert (a - b).norm() <= 1e-3 * b.norm() + 1e-9


@each_map
def test_what_is_kept_for_the_gradient_does_not_grow_with_the_iterations(name):
    A = blur(16)
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64)
    kept = []
    for iterations in (4, 40):
        made, bytes_of = network(name, iterations=iterations, tolerance=0.0), []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, bytes_of=bytes_of: (bytes_of.append(t.numel() * t.element_size()), t)[1], lambda t: t
        ):
            made(y, A)
        kept.append(sum(bytes_of))
    assert kept[0] == kept[1] > 0


@each_map
def test_items_are_problems_of_their_own(name):
    made, A = network(name, lipschitz=0.5), tomography()
    y = torch.randn(3, 1, *A.range_shape, dtype=torch.float64)
    y[1] *= 100
    together = made(y, A)
    for k in range(3):
        alone = made(y[k : k + 1], A)
        assert (alone - together[k]).norm() <= 1e-5 * alone.norm()


@each_map
def test_complex_pictures_take_two_channels(name):
    A = divided(mp.operators.Blur(image_shape=(12, 10), width=0.8))
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.complex128)
    x = network(name, channels=2)(y, A)
    assert x.shape == (1, 1, 12, 10) and x.is_complex()
    with pytest.raises(InputError, match="Set channels = 2"):
        network(name)(y, A)


@each_map
def test_iterates_end_at_the_picture_and_may_be_more(name):
    made, A = network(name, iterations=3).float(), tomography()
    y = torch.rand(1, 1, *A.range_shape)
    assert len(list(made.iterates(y, A))) == 3
    made.iterations = 200
    with torch.no_grad():
        *_, last = made.iterates(y, A)
        assert torch.allclose(last, made(y, A), atol=1e-4)


@each_map
def test_the_denoiser_is_one_that_is_trained_on_its_own(name):
    made = network(name)
    denoiser = networks.build("spectral-cnn", networks.describe(made.denoiser)["params"])
    own = {key.removeprefix("denoiser."): v for key, v in made.state_dict().items() if key.startswith("denoiser.")}
    assert denoiser.load_state_dict(own).missing_keys == []
    assert set(made.state_dict()) - {f"denoiser.{key}" for key in own} == {"raw_step"}

"""Preconditioned steps towards the data, against dense matrices."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.networks.preconditioner import _largest, towards_data
from napari_mlpatch.networks.scaling import divided

RHO = 0.05
OPERATORS = {
    "blur": divided(mp.operators.Blur(image_shape=(8, 6), width=0.7)),
    "ct": divided(mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:7", detector_count=13)),
}
each_operator = pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS.keys())
each_kind = pytest.mark.parametrize("kind", ["exact", "fourier"])


def basis(A):
    n = A.domain_shape[0] * A.domain_shape[1]
    return torch.eye(n, dtype=torch.float64).view(n, 1, *A.domain_shape)


def dense(A):
    return A.normal(basis(A)).flatten(1).mT


def nearest_circulant(A):
    """Of all matrices of periodic convolutions that with the least sum of squares of the difference: means over
    diagonals that go round."""
    rows, columns = A.domain_shape
    normal = dense(A).view(rows, columns, rows, columns)
    shifted = [torch.roll(normal[i, j], (-i, -j), (0, 1)) for i in range(rows) for j in range(columns)]
    kernel = torch.stack(shifted).mean(0)
    found = [torch.roll(kernel, (i, j), (0, 1)).flatten() for i in range(rows) for j in range(columns)]
    return torch.stack(found)


def raised(A, kind):
    """P⁻¹."""
    eye = torch.eye(len(dense(A)), dtype=torch.float64)
    if kind == "exact":
        return dense(A) + RHO * eye
    C = nearest_circulant(A) + RHO * eye
    largest = float(torch.linalg.eigvals(torch.linalg.solve(C, dense(A))).real.max())
    assert _largest(A, RHO) == pytest.approx(largest, rel=0.02)
    return _largest(A, RHO) * C


@each_operator
@each_kind
def test_the_step_is_that_of_the_matrices(A, kind):
    x, b = torch.randn(2, 2, 1, *A.domain_shape, dtype=torch.float64)
    expected = torch.linalg.solve(raised(A, kind), dense(A) @ x.flatten(1).mT - b.flatten(1).mT).mT
    assert torch.allclose(towards_data(A, b, kind, RHO)(x).flatten(1), expected, atol=2e-5 * float(expected.norm()))
    plain = towards_data(A, b, "none", RHO)(x)
    assert torch.equal(plain, A.normal(x) - b)


@each_operator
def test_an_exact_step_moves_no_two_pictures_apart(A):
    zero = torch.zeros_like(basis(A))
    step = basis(A) - towards_data(A, zero, "exact", RHO)(basis(A))
    eigenvalues = torch.linalg.eigvalsh(step.flatten(1))
    assert float(eigenvalues.min()) >= -1e-6 and float(eigenvalues.max()) <= 1 + 1e-6


WEIGHTS = {"de-prox": lambda step: 1 / step, "de-grad": lambda step: (1 - step) / (2 * step)}


@each_operator
@each_kind
@pytest.mark.parametrize("name", WEIGHTS)
def test_with_a_denoiser_that_halves_fixed_points_are_those_of_a_linear_equation(name, kind, A):
    """``D(x) = x / 2`` makes ``(AᵀA + w P⁻¹) x = Aᵀy``."""
    params = {"preconditioner": kind, "floor": RHO, "step": 0.6, "lipschitz": 1.0, "depth": 2, "width": 2}
    made = networks.build(name, params | {"iterations": 100, "tolerance": 1e-7}).double()
    with torch.no_grad():
        for layer in made.denoiser.layers:
            layer.weight.zero_()
            layer.bias.zero_()
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.float64)
    matrix = dense(A) + WEIGHTS[name](0.6) * raised(A, kind)
    expected = torch.linalg.solve(matrix, A.T(y).flatten())
    assert (made(y, A).flatten() - expected).norm() <= 1e-4 * expected.norm()


@each_kind
@pytest.mark.parametrize("name", ["proximal-gradient", "projected-gradient"])
def test_unrolled_networks_step_so(name, kind):
    A = OPERATORS["ct"]
    more = {"filters": 0, "weight": 1e-9} if name == "projected-gradient" else {"depth": 2, "width": 2}
    made = networks.build(name, {"preconditioner": kind, "floor": RHO, "step": 0.7, "iterations": 1, **more}).double()
    if name == "proximal-gradient":
        with torch.no_grad():
            for parameter in made.block.denoiser.parameters():
                parameter.zero_()
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.float64)
    b = A.T(y)
    x = A.pinv(y) if name == "projected-gradient" else b
    assert torch.allclose(made(y, A), x - 0.7 * towards_data(A, b, kind, RHO)(x), atol=1e-6)

"""``(AᵀA + alpha I) x = b`` against a dense solve."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.solvers.circulant import divide_spectrum
from napari_mlpatch.solvers.shifted import solve_shifted


class Diagonal(Operator):
    domain_shape = range_shape = (4, 5)
    closed_form = True
    weights = torch.linspace(0.5, 2.0, 20, dtype=torch.float64).reshape(4, 5)

    def _apply(self, x):
        return self.weights * x

    def _adjoint(self, y):
        return self.weights * y

    def solve_shifted(self, b, alpha):
        return b / (self.weights**2 + alpha)


class DiagonalByCg(Diagonal):
    closed_form = False


@pytest.mark.parametrize("A", [Diagonal(), DiagonalByCg()], ids=["closed", "cg"])
def test_diagonal(A):
    b = torch.randn(2, 1, 4, 5, dtype=torch.float64)
    *_, last = solve_shifted(A, b, 0.3, torch.zeros_like(b), tolerance=1e-10)
    assert torch.allclose(last.x, b / (Diagonal.weights**2 + 0.3), atol=1e-8)
    assert A.closed_form == (last.k == 1)


def test_projector_against_a_dense_solve():
    A = mp.operators.ParallelBeam(image_shape=(9, 8), angles_deg="0:180:6", detector_count=14)
    b = torch.randn(1, 1, 9, 8, dtype=torch.float64)
    gram = A.normal(torch.eye(72, dtype=torch.float64).reshape(72, 1, 9, 8)).reshape(72, 72)
    expected = torch.linalg.solve(gram + 0.1 * torch.eye(72, dtype=torch.float64), b.flatten())
    *_, last = solve_shifted(A, b, 0.1, torch.zeros_like(b), iterations=300, tolerance=1e-12)
    assert (last.x.flatten() - expected).norm() < 1e-9 * expected.norm()


def test_complex_images_are_divided_in_both_parts():
    x = torch.randn(1, 1, 6, 7, dtype=torch.complex128)
    symbol = 1.0 + torch.rand(6, 4, dtype=torch.float64)
    symbol[1:, 0] += symbol[1:, 0].flip(0)  # even, as that of every real and symmetric convolution
    both = divide_spectrum(x, symbol)
    assert torch.allclose(both.real, divide_spectrum(x.real, symbol))
    assert torch.allclose(both.imag, divide_spectrum(x.imag, symbol))
    assert torch.allclose(divide_spectrum(x, 2.0), x / 2)

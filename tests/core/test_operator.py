"""What every operator inherits, on small matrices, real and complex, in one and two dimensions."""

import math

import numpy as np
import pytest
import torch

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.operator import Operator


class Matrix(Operator):
    """``y = M x`` for signals of one dimension."""

    def __init__(self, matrix):
        self.matrix = torch.as_tensor(matrix)
        self.range_shape, self.domain_shape = (len(matrix),), (len(matrix[0]),)

    def _as_wide(self, x):
        """In its own precision, complex where the matrix is."""
        return x.to(x.dtype.to_complex()) if self.matrix.is_complex() else x

    def _apply(self, x):
        return self._as_wide(x) @ self.matrix.T.to(self._as_wide(x).dtype)

    def _adjoint(self, y):
        return self._as_wide(y) @ self.matrix.conj().to(self._as_wide(y).dtype)


@pytest.fixture(params=[torch.float64, torch.complex128], ids=["real", "complex"])
def A(request):
    return Matrix(torch.randn(5, 4, dtype=request.param))


def signal(A, *batch):
    return torch.randn(*batch, *A.domain_shape, dtype=A.matrix.dtype)


def test_defaults(A):
    x, y = signal(A, 2, 3), torch.randn(2, 3, 5, dtype=A.matrix.dtype)
    M = A.matrix
    assert torch.allclose(A(x), torch.einsum("ij,bcj->bci", M, x))
    assert torch.allclose(A.T(y), torch.einsum("ij,bci->bcj", M.conj(), y))
    assert torch.allclose(A.normal(x), A.T(A(x)))
    assert torch.allclose(A.pinv(y), A.T(y) / A.norm**2)
    assert A.memory_bytes() == 0 and A.suggest((3, 4)) == {"image_shape": (3, 4)}
    assert A.normal_symbol(torch.device("cpu"), torch.float32) == A.column_norm**2


def test_gradients(A):
    x = signal(A, 1, 1).requires_grad_()
    y = torch.randn(1, 1, 5, dtype=A.matrix.dtype, requires_grad=True)
    for f, at in ((A, x), (A.T, y), (A.normal, x)):
        assert torch.autograd.gradcheck(f, at)
        assert torch.autograd.gradgradcheck(f, at)


def test_derivative_of_the_misfit_is_the_adjoint_of_the_residual(A):
    """The gradient of ``½ ‖A x - y‖²``, as PyTorch counts complex gradients."""
    x, y = signal(A, 1, 1).requires_grad_(), A(signal(A, 1, 1))
    (0.5 * (A(x) - y).abs().square().sum()).backward()
    assert torch.allclose(x.grad, A.T(A(x) - y))


def test_norms():
    for seed in range(5):
        matrix = np.random.default_rng(seed).normal(size=(9, 7))
        A = Matrix(matrix)
        largest = np.linalg.norm(matrix, 2)
        assert 0.97 * largest < A.norm < largest * (1 + 1e-6)
    assert Matrix(np.diag([3.0, 3.0, 3.0])).norm == pytest.approx(3)
    assert Matrix(np.diag([*np.linspace(0, 1.9, 400), 2.0])).norm == pytest.approx(2, rel=2e-3)  # 30 steps give 1.88
    assert Matrix(np.zeros((3, 3))).norm == 0
    # Of a diagonal AᵀA, random signs give the trace exactly.
    assert Matrix(np.diag([1.0, 2.0, 2.0, 4.0])).column_norm == pytest.approx(math.sqrt(25 / 4))
    assert Matrix(np.zeros((3, 3))).column_norm == 0


def test_adjoint_as_an_object(A):
    assert A.T.T is A
    assert A.T.domain_shape == (5,) and A.T.range_shape == (4,)


def test_errors_say_what_was_seen(A):
    with pytest.raises(InputError, match=r"Matrix expects a image of shape \[batch, channel, 4\], got \[1, 4\]"):
        A(torch.zeros(1, 4))
    with pytest.raises(
        InputError, match=r"Matrix expects a measurement of shape \[batch, channel, 5\], got \[1, 1, 4\]"
    ):
        A.T(torch.zeros(1, 1, 4))
    with pytest.raises(
        InputError, match="expects the image in float32 or float64 or complex64 or complex128, got int64"
    ):
        A(torch.zeros(1, 1, 4, dtype=torch.int64))


def test_follows_the_type_under_autocast():
    A = Matrix(np.eye(3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert A(torch.ones(1, 1, 3)).dtype == torch.float32


def test_gradient_of_a_real_image_under_a_complex_operator():
    """It is real: the real part of what a complex image would get."""

    class Complex(Matrix):
        complex_image = complex_data = True

    A = Complex(np.array([[1.0, 2j], [3.0, 1 - 1j]]))
    x = torch.tensor([[[0.5, -2.0]]], requires_grad=True)
    y = torch.tensor([[[1j, 2.0]]])
    (0.5 * (A(x) - y).abs().square().sum()).backward()
    assert x.grad is not None and x.grad.dtype == torch.float32
    assert torch.allclose(x.grad, A.T(A(x) - y).real)

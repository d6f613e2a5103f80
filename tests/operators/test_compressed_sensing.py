"""Compressed sensing: the rows, least-norm and regularised solutions beside dense algebra, recovery, bad input."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators.compressed_sensing import CompressedSensing
from napari_mlpatch.solvers.shifted import solve_shifted

KINDS = ("hadamard", "gaussian", "bernoulli")
each_kind = pytest.mark.parametrize("kind", KINDS)


def sensing(kind, *shape, **more):
    return CompressedSensing(image_shape=shape, matrix=kind, **more)


def dense(A):
    n = math.prod(A.domain_shape)
    return A(torch.eye(n, dtype=torch.float64).reshape(n, 1, *A.domain_shape))[:, 0].T


@each_kind
def test_rows(kind):
    """As many as asked for, of unit norm; other ones for another seed; the same ones in both precisions."""
    A = sensing(kind, 16, 16, ratio=0.3)
    rows = dense(A)
    assert rows.shape == (77, 256) == (*A.range_shape, 256)
    norms = rows.norm(dim=1)
    assert torch.allclose(norms, torch.ones_like(norms), atol=1e-6 if kind != "gaussian" else 0.2)
    assert torch.equal(rows, dense(sensing(kind, 16, 16, ratio=0.3)))
    assert not torch.allclose(rows, dense(sensing(kind, 16, 16, ratio=0.3, seed=1)))
    x = torch.rand(1, 1, 16, 16)
    assert torch.allclose(A(x).double(), A(x.double()), atol=1e-5)
    assert torch.linalg.matrix_rank(rows) == 77


def test_entries():
    assert set(torch.unique((dense(sensing("bernoulli", 9, 7)) * 63**0.5).round(decimals=5)).tolist()) == {-1.0, 1.0}
    z = dense(sensing("gaussian", 30, 20, ratio=0.5)).flatten() * 600**0.5
    assert abs(float(z.mean())) < 0.01 and float(z.std()) == pytest.approx(1, abs=0.01)
    assert float((z**4).mean()) == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("shape", [(8, 16), (9, 7)])
def test_hadamard_rows_are_those_of_the_matrix(shape):
    """Up to the signs of the columns."""
    n = math.prod(shape)
    A = sensing("hadamard", *shape, ratio=0.5)
    rows = dense(A).numpy() * math.sqrt(n)
    H = scipy.linalg.hadamard(1 << math.ceil(math.log2(n)))[:, :n]
    assert np.allclose(np.abs(rows), 1, atol=1e-5)
    known = {tuple(row) for row in H}
    products = {tuple(np.round(row * other).astype(int)) for row in rows[:3] for other in rows[3:6]}
    assert products <= known  # a product of two rows of H is a row of H, and the signs drop out


def test_orthonormal_rows():
    rows = dense(sensing("hadamard", 16, 8))
    assert torch.allclose(rows @ rows.T, torch.eye(32, dtype=torch.float64), atol=1e-6)
    assert sensing("hadamard", 16, 8).norm == pytest.approx(1, rel=1e-3)


@each_kind
def test_least_norm(kind):
    A = sensing(kind, 8, 16, ratio=0.4)
    y = torch.randn(2, 1, *A.range_shape, dtype=torch.float64)
    expected = (torch.linalg.pinv(dense(A)) @ y[:, 0].T).T.reshape(2, 1, 8, 16)
    x = A.pinv(y)
    assert torch.allclose(x, expected, atol=1e-4)
    assert torch.allclose(A(x), y, atol=1e-4)


@each_kind
@pytest.mark.parametrize("alpha", [1e-3, 0.1, 5.0])
def test_closed_form(kind, alpha):
    A = sensing(kind, 8, 16, ratio=0.4)
    b = torch.randn(2, 1, 8, 16, dtype=torch.float64)
    rows = dense(A)
    matrix = rows.T @ rows + alpha * torch.eye(128, dtype=torch.float64)
    expected = torch.linalg.solve(matrix, b.flatten(1).T).T.reshape(b.shape)
    assert torch.allclose(A.solve_shifted(b, alpha), expected, rtol=1e-5, atol=1e-6 / alpha)
    single = A.solve_shifted(b.float(), alpha).double()
    assert (single - expected).norm() < 1e-5 / min(alpha, 1) * expected.norm()
    again = list(solve_shifted(A, b, alpha, torch.zeros_like(b)))
    assert len(again) == 1 and torch.equal(again[0].x, A.solve_shifted(b, alpha))


@each_kind
def test_closed_form_in_single_precision_with_a_small_alpha(kind):
    """Also in the span of the rows, where the solution is a millionth of the rest."""
    A = sensing(kind, 8, 16, ratio=0.4)
    b = torch.randn(1, 1, 8, 16)
    single, expected = A.solve_shifted(b, 1e-6), A.solve_shifted(b.double(), 1e-6)
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), expected, rtol=1e-6, atol=1e-7 * float(expected.abs().max()))
    inside = A.T(A.T.T(b)).double()  # in the span of the rows
    small = A.solve_shifted(inside.float(), 1e-6).double()
    assert (A(small) - A(A.solve_shifted(inside.float().double(), 1e-6))).norm() < 1e-4 * A(small).norm()


def test_the_last_factors_are_kept():
    A = sensing("gaussian", 6, 6)
    b = torch.randn(1, 1, 6, 6)
    first = A.solve_shifted(b, 0.5)
    for alpha in range(1, 20):
        A.solve_shifted(b, float(alpha))
    (factor,) = (table for key, table in A._made.items() if key[0] == "factor")
    assert list(factor) == [float(alpha) for alpha in range(4, 20)]
    assert torch.equal(A.solve_shifted(b, 0.5), first)


def test_the_product_of_rows_is_made_once(monkeypatch):
    """It takes longer than a factor: methods whose alpha changes with each iteration would pay for it each time."""
    A, made = sensing("gaussian", 6, 6), []
    draw = CompressedSensing._drawn
    monkeypatch.setattr(CompressedSensing, "_drawn", lambda self, like: made.append(like.dtype) or draw(self, like))
    y, matrix = torch.randn(1, 1, A.range_shape[0], dtype=torch.float64), A(torch.eye(36).double().view(36, 1, 6, 6))
    made.clear()
    for alpha in (0.1, 0.2, 0.3):
        M = matrix.flatten(1).T
        expected = torch.linalg.solve(M @ M.T + alpha * torch.eye(len(M)), y.flatten())
        torch.testing.assert_close(A._solve(y, alpha).flatten(), expected)
    assert made == [torch.float64]


def test_no_closed_form_where_pixels_are_padded():
    A = sensing("hadamard", 9, 7)
    assert not A.closed_form
    with pytest.raises(NotImplementedError, match="no closed form"):
        A.solve_shifted(torch.zeros(1, 1, 9, 7), 1.0)


@each_kind
def test_complex_images(kind):
    A = sensing(kind, 8, 8)
    x = torch.randn(1, 1, 8, 8, dtype=torch.complex128)
    y = A(x)
    assert torch.allclose(y, torch.complex(A(x.real), A(x.imag)))
    assert torch.allclose(A.T(y), torch.complex(A.T(y.real), A.T(y.imag)))
    assert torch.allclose(A.solve_shifted(x, 0.3).real, A.solve_shifted(x.real, 0.3))
    assert A.data_picture(y).shape == (1, 1, 4, 4) and not A.data_picture(y).is_complex()


@each_kind
def test_derivatives_of_the_quick_picture_and_the_closed_form(kind):
    A = sensing(kind, 4, 4, ratio=0.5)
    with torch.inference_mode():
        A.pinv(torch.zeros(1, 1, 8, dtype=torch.float64)), A.solve_shifted(torch.zeros(1, 1, 4, 4).double(), 0.7)
    y = torch.randn(1, 1, 8, dtype=torch.float64, requires_grad=True)
    b = torch.randn(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A.pinv, y)
    assert torch.autograd.gradcheck(lambda b: A.solve_shifted(b, 0.7), b)


def test_data_picture():
    y = torch.arange(7.0)[None, None]
    assert torch.equal(sensing("hadamard", 4, 7).data_picture(y), torch.tensor([[[[0.0, 1, 2], [3, 4, 5], [6, 0, 0]]]]))


def test_a_sparse_image_is_recovered():
    """4 of 256 pixels from 64 measurements, by orthogonal matching pursuit."""
    A = sensing("hadamard", 16, 16)
    x = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    x.view(-1)[[3, 77, 130, 250]] = torch.tensor([1.0, -2.0, 1.5, 3.0], dtype=torch.float64)
    y, rows = A(x)[0, 0], dense(A)
    support: list[int] = []
    residual = y
    for _ in range(4):
        support.append(int((rows.T @ residual).abs().argmax()))
        fit = torch.linalg.lstsq(rows[:, support], y[:, None]).solution[:, 0]
        residual = y - rows[:, support] @ fit
    assert sorted(support) == [3, 77, 130, 250] and residual.norm() < 1e-9


def test_suggested_for_a_photograph():
    A = CompressedSensing(**operators.get("compressed-sensing").suggest((512, 512)))
    assert A.matrix == "hadamard" and A.range_shape == (65536,) and A.memory_bytes() < 2**24


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"ratio": 0.0}, "greater than 0"),
        ({"ratio": 1.5}, "less than or equal to 1"),
        ({"matrix": "fourier"}, "Input should be"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"image_shape": (0, 3)}, "between 1 and"),
        ({"image_shape": (512, 512), "matrix": "gaussian"}, r"65536 x 262144 .* bytes \(256.0 GiB\).*hadamard"),
    ],
)
def test_bad_input(parameters, words):
    with pytest.raises(InputError, match=words):
        CompressedSensing(**{"image_shape": (8, 8)} | parameters)


def test_factors_of_a_few_alphas_are_kept(monkeypatch):
    """Items of a batch, each with its own alpha, take turns; how many is bound by their size, and counted."""
    from napari_mlpatch.core.tables import held_bytes
    from napari_mlpatch.operators import compressed_sensing

    made = []
    cholesky = torch.linalg.cholesky
    monkeypatch.setattr(torch.linalg, "cholesky", lambda a: made.append(1) or cholesky(a))
    A = CompressedSensing(image_shape=(12, 12), matrix="gaussian")
    b = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    alphas = [0.1, 0.2, 0.3]
    solved = [A.solve_shifted(b, alpha) for _ in range(4) for alpha in alphas]
    assert len(made) == 3 and torch.equal(solved[0], solved[9])
    for alpha, x in zip(alphas, solved, strict=False):
        assert (A.normal(x) + alpha * x - b).abs().max() < 1e-9
    assert 0.6 * held_bytes(A) < A.memory_bytes() < 1.5 * held_bytes(A)
    monkeypatch.setattr(compressed_sensing, "MOST_FACTOR_BYTES", 2 * 8 * 36**2)
    for alpha in (1.0, 2.0, 3.0, 2.0, 3.0):
        A.solve_shifted(b, alpha)
    assert len(made) == 6
    monkeypatch.setattr(compressed_sensing, "MOST_FACTOR_BYTES", 0)
    for alpha in (4.0, 3.0, 4.0):
        A.solve_shifted(b, alpha)
    assert len(made) == 9

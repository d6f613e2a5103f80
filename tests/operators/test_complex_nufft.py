"""The complex gridding transform against finufft, sums written out, and its own adjoint; its Toeplitz form."""

import finufft
import numpy as np
import pytest
import torch

from napari_mlpatch.operators.complex_nufft import ComplexNufft2d, hermitian_apply, hermitian_symbol
from napari_mlpatch.operators.toeplitz import hermitian_kernel

SHAPES = [(24, 24), (25, 27), (24, 31), (1, 9), (9, 1), (1, 1), (2, 3)]
RNG = np.random.default_rng(0)


def frequencies(count):
    """Also at the seams."""
    seams = [[np.pi, -np.pi], [-np.pi, 0], [0, 0], [np.pi, np.pi], [0, 1e-12]]
    return np.concatenate([RNG.uniform(-np.pi, np.pi, (count - len(seams), 2)), seams])


def complex_noise(*shape):
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


def dense(shape, omega):
    r, c = (np.arange(n) - n // 2 for n in shape)
    phase = omega[:, 0, None, None] * r[:, None] + omega[:, 1, None, None] * c
    return np.exp(-1j * phase).reshape(len(omega), -1)


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("shape", SHAPES)
def test_oracles_agree(shape):
    x, omega = complex_noise(*shape), frequencies(40)
    k = omega.T.copy()
    assert distance(finufft.nufft2d2(*k, x, isign=-1, eps=1e-12), dense(shape, omega) @ x.ravel()) < 1e-10


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_transform_and_adjoint(shape, dtype):
    omega, x, f = frequencies(300), complex_noise(2, *shape), complex_noise(2, 300)
    nufft, matrix = ComplexNufft2d(shape, omega, dtype=dtype), dense(shape, omega)
    there = nufft(torch.tensor(x).to(dtype.to_complex())).numpy()
    back = nufft.adjoint(torch.tensor(f).to(dtype.to_complex())).numpy()
    assert there.dtype == back.dtype == (np.complex64 if dtype == torch.float32 else np.complex128)
    assert distance(there, x.reshape(2, -1) @ matrix.T) < 1e-5
    assert distance(back.reshape(2, -1), f @ matrix.conj()) < 2e-5


@pytest.mark.parametrize("shape", [(8, 8), (7, 10), (1, 5), (5, 1), (1, 1)])
def test_toeplitz(shape):
    omega, weight = frequencies(60), RNG.uniform(0.1, 2, 60)
    kernel = hermitian_kernel(shape, omega, weight, kernel_width=8)
    assert kernel.shape == (2 * shape[0], 2 * shape[1])
    for r in range(1 - shape[0], shape[0]):
        for c in range(1 - shape[1], shape[1]):
            direct = np.sum(weight * np.exp(1j * (omega @ [r, c])))
            assert abs(kernel[r, c] - direct) < 1e-6 * weight.sum()
    x, matrix = complex_noise(3, *shape), dense(shape, omega)
    expected = (x.reshape(3, -1) @ matrix.T * weight) @ matrix.conj()
    symbol = hermitian_symbol(kernel)
    assert distance(hermitian_apply(torch.tensor(x), symbol).numpy().reshape(3, -1), expected) < 1e-6


def test_toeplitz_in_parts(monkeypatch):
    kernel = hermitian_kernel((40, 30), frequencies(60), np.ones(60), kernel_width=8)
    x, symbol = torch.tensor(complex_noise(2, 40, 30)), hermitian_symbol(kernel)
    whole = hermitian_apply(x, symbol)
    monkeypatch.setattr("napari_mlpatch.operators.pieces.CACHE", 1)
    assert torch.allclose(hermitian_apply(x, symbol), whole, rtol=1e-12, atol=1e-12)

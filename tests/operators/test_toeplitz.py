"""AᵀA as a convolution: its kernel and its application against sums written out."""

import numpy as np
import pytest
import torch

from napari_mlpatch.operators.toeplitz import (
    _in_few_steps,
    circulant_symbol,
    toeplitz_apply,
    toeplitz_kernel,
    toeplitz_symbol,
)

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("shape", [(8, 8), (7, 10), (1, 5), (5, 1)])
def test_toeplitz_kernel(shape):
    omega, weight = RNG.uniform(-2 * np.pi, 2 * np.pi, (40, 2)), RNG.uniform(0.1, 2, 40)
    kernel = toeplitz_kernel(shape, omega, weight, kernel_width=8)
    assert kernel.shape == (2 * shape[0], 2 * shape[1])
    for r in range(1 - shape[0], shape[0]):
        for c in range(1 - shape[1], shape[1]):
            direct = np.sum(weight * np.cos(omega @ [r, c]))
            assert abs(kernel[r, c] - direct) < 1e-6 * weight.sum()
            assert abs(kernel[r, c] - kernel[-r, -c]) < 1e-12 * weight.sum()


@pytest.mark.parametrize("apply", [toeplitz_apply, _in_few_steps], ids=["on the CPU", "on other devices"])
@pytest.mark.parametrize("shape", [(8, 8), (7, 10), (1, 5), (5, 1), (1, 1)])
def test_application(shape, apply):
    rows, columns = shape
    kernel = RNG.normal(size=(2 * rows, 2 * columns))
    kernel = kernel + np.roll(kernel[::-1, ::-1], 1, axis=(0, 1))  # even
    r, c = (i.ravel() for i in np.indices(shape))
    matrix = kernel[r[:, None] - r, c[:, None] - c]
    x = RNG.normal(size=(2, 3, *shape))
    found = apply(torch.tensor(x), toeplitz_symbol(kernel))
    np.testing.assert_allclose(found.reshape(6, -1), x.reshape(6, -1) @ matrix.T, atol=1e-12)


def test_nearest_circulant_of_a_circulant():
    kernel = np.zeros((8, 8))
    kernel[0, 0], kernel[0, 1], kernel[0, -1], kernel[0, 3], kernel[0, -3] = 3.0, 1.0, 1.0, 1.0, 1.0
    expected = 3.0 + 2.0 * np.cos(2 * np.pi * np.arange(3) / 4)
    np.testing.assert_allclose(circulant_symbol(kernel), np.tile(expected, (4, 1)), atol=1e-12)


def test_in_pieces(monkeypatch):
    """Large images are transformed some lines at a time, each item of a batch of its own."""
    kernel = toeplitz_kernel((60, 49), RNG.uniform(-3, 3, (40, 2)), np.ones(40), kernel_width=8)
    x, symbol = torch.tensor(RNG.normal(size=(3, 60, 49))), toeplitz_symbol(kernel)
    whole = toeplitz_apply(x, symbol)
    monkeypatch.setattr("napari_mlpatch.operators.pieces.CACHE", 1)
    assert torch.allclose(toeplitz_apply(x, symbol), whole, rtol=1e-12, atol=1e-12)
    assert torch.equal(toeplitz_apply(x[1:2], symbol), toeplitz_apply(x, symbol)[1:2])

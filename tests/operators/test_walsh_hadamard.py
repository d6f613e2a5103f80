"""The fast transform beside the matrix."""

import pytest
import scipy.linalg
import torch

from napari_mlpatch.operators.walsh_hadamard import walsh_hadamard


@pytest.mark.parametrize("n", [1, 2, 4, 32, 64, 128, 2048, 8192])
def test_equals_the_matrix(n):
    x = torch.randn(2, 1, n, dtype=torch.float64)
    H = torch.from_numpy(scipy.linalg.hadamard(n)).double()
    assert torch.allclose(walsh_hadamard(x), x @ H, atol=1e-9)


def test_twice():
    x = torch.randn(3, 2**15)
    assert torch.allclose(walsh_hadamard(walsh_hadamard(x)) / 2**15, x, atol=1e-5)


def test_other_lengths():
    with pytest.raises(ValueError, match="power of two, got 12"):
        walsh_hadamard(torch.zeros(1, 12))

"""Sums of long rows, against scipy's in double precision."""

import numpy as np
import pytest
import scipy.sparse
import torch

import napari_mlpatch as mp
from napari_mlpatch.operators.gridding import csr
from napari_mlpatch.operators.long_rows import PART, InParts


@pytest.mark.parametrize("lengths", [[], [0, 3], [PART, PART + 1, 0, 5 * PART, 1], [9 * PART - 1, 2, 20_000]])
def test_products(lengths):
    random = np.random.default_rng(0)
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    values, columns = random.random(start[-1]), random.integers(0, 50, start[-1])
    matrix = scipy.sparse.csr_matrix((values, columns, start), shape=(len(lengths), 50))
    x = random.random((50, 2))
    expected = matrix @ x  # before the matrix is used up
    found = InParts(matrix, lambda part: csr(part, "cpu")) @ torch.from_numpy(x)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_rounding_does_not_grow_with_the_length():
    ones = np.full(200_000, 0.1, np.float32)
    matrix = scipy.sparse.csr_matrix((ones, np.zeros(len(ones), int), [0, len(ones)]), shape=(1, 1))
    found = InParts(matrix, lambda part: csr(part, "cpu")) @ torch.ones(1, 1)
    assert float(found) == pytest.approx(len(ones) * float(ones[0]), rel=1e-5)  # one after the other errs by 2e-3


@pytest.mark.parametrize(
    "A",
    [
        mp.operators.Interferometer((32, 30)),
        mp.operators.Interferometer((24, 24), coverage="gaussian", samples=30_000),
        mp.operators.MRINonCartesian((24, 26), spokes=900),
        mp.operators.ParallelBeam((24, 24), "0:180:1200", 40),
    ],
    ids=["array", "random", "radial", "parallel"],
)
def test_single_precision_where_samples_lie_close_together(A):
    """AᵀA and Aᵀ(A x) of white noise, both to 1e-6."""
    x = torch.randn(1, 1, *A.domain_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    exact, narrow = A.T(A(x)), x.float()
    for found in (A.normal(narrow), A.T(A(narrow))):
        assert float((found - exact).norm() / exact.norm()) < 6e-7

"""Sparse products whose rows are long: sums of thousands of numbers, which single precision rounds at each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.torch_later import Tensor, torch

PART = 128
"""Entries of a row that are summed one after the other. Where the frequencies of a small image lie close together, a
point of the grid gets thousands, and their rounding would show in AᵀA (1.4e-6 of it, against 1e-7)."""


class InParts:
    """A sparse matrix times dense ones, the sums of its rows in parts of 128 entries.

    ``M = F + J L``: F has the first entries of each row, L the others, a row for each part, and J adds those of each
    long row. Each kind of product is the backend's own; the order of sums is the same at each call.
    """

    def __init__(self, matrix: scipy.sparse.csr_matrix, place: Callable[[Any], Tensor]):
        """``place`` makes a tensor of a matrix on the device."""
        length = np.diff(matrix.indptr)
        long = np.flatnonzero(length > PART)
        self.rest = None
        if len(long):
            entry = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], length)
            first = entry < PART
            row = np.repeat(np.arange(len(length)), length)
            parts = -(-(length[long] - PART) // PART)
            owner = np.repeat(np.arange(len(long)), parts)
            before = np.zeros(len(length), np.int64)
            before[long] = np.cumsum(parts) - parts
            part = before[row[~first]] + entry[~first] // PART - 1
            rest = _rows(matrix, ~first, part, len(owner))
            ones = np.ones(len(owner), matrix.dtype)
            join = scipy.sparse.csr_matrix((ones, (owner, np.arange(len(owner)))), shape=(len(long), len(owner)))
            matrix = _rows(matrix, first, row[first], len(length))
            self.rest = place(rest), place(join)
            self.long = torch.from_numpy(long).to(self.rest[0].device)
        self.matrix = place(matrix)

    def __matmul__(self, x: Tensor) -> Tensor:
        y = self.matrix @ x
        if self.rest is None:
            return y
        rest, join = self.rest
        y[self.long] += join @ (rest @ x)
        return y


def _rows(matrix: scipy.sparse.csr_matrix, kept: np.ndarray, row: np.ndarray, count: int) -> scipy.sparse.csr_matrix:
    """The entries that are kept, in their order, in the rows (ascending) that are given."""
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))])
    return scipy.sparse.csr_matrix((matrix.data[kept], matrix.indices[kept], start), shape=(count, matrix.shape[1]))

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
        """``place`` makes a tensor of a matrix on the device; ``matrix`` is used up."""
        length = np.diff(matrix.indptr)
        long = np.flatnonzero(length > PART)
        self.rest = None
        if len(long):
            over = length[long] - PART
            parts = -(-over // PART)
            owner = np.repeat(np.arange(len(long)), parts)
            size = np.full(len(owner), PART)
            size[np.cumsum(parts) - 1] = over - (parts - 1) * PART
            start, end = matrix.indptr[long] + PART, matrix.indptr[long + 1]
            rest = _rows(matrix, _pieces(start, end), size)
            ones = np.ones(len(owner), matrix.dtype)
            join = scipy.sparse.csr_matrix((ones, (owner, np.arange(len(owner)))), shape=(len(long), len(owner)))
            kept = _pieces(np.r_[0, end], np.r_[start, matrix.nnz])
            matrix.data = _joined(matrix.data, kept)  # one array after the other: tables are large
            matrix.indices = _joined(matrix.indices, kept)
            matrix.indptr = _starts(np.minimum(length, PART))
            self.rest = place(rest), place(join)
            self.long = torch.from_numpy(long).to(self.rest[0].device)
        self.matrix = place(matrix)

    def __matmul__(self, x: Tensor) -> Tensor:
        y = self.matrix @ x
        if self.rest is not None:
            y[self.long] += self.beyond(x)
        return y

    def beyond(self, x: Tensor) -> Tensor:
        """Of the long rows, what is beyond their first parts."""
        rest, join = self.rest  # type: ignore[misc]
        return join @ (rest @ x)


def _pieces(start: np.ndarray, end: np.ndarray) -> list[slice]:
    return list(map(slice, start.tolist(), end.tolist()))


def _joined(values: np.ndarray, pieces: list[slice]) -> np.ndarray:
    return np.concatenate([values[piece] for piece in pieces])


def _starts(length: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(length)]).astype(np.int32)


def _rows(matrix: scipy.sparse.csr_matrix, pieces: list[slice], length: np.ndarray) -> scipy.sparse.csr_matrix:
    """The entries in some pieces of all, in rows of the lengths that are given."""
    shape, data = (len(length), matrix.shape[1]), _joined(matrix.data, pieces)
    return scipy.sparse.csr_matrix((data, _joined(matrix.indices, pieces), _starts(length)), shape=shape)

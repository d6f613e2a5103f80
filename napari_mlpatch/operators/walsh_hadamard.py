"""The Walsh-Hadamard transform."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch

RADIX = 6
"""Bits of the index that are transformed at once, by a small matrix: faster than one at a time."""


def walsh_hadamard(x: Tensor) -> Tensor:
    """``y[j] = sum_i (-1)^(number of common bits of i and j) x[i]`` along the last axis, of n = 2^k entries.

    Symmetric, and n times its own inverse. The matrix is the Kronecker product of small ones: each turn transforms the
    last bits of the index and moves them to its front, so that after all turns they are in order again.
    """
    n = x.shape[-1]
    bits = n.bit_length() - 1
    if n != 1 << bits:
        raise ValueError(f"the length must be a power of two, got {n}")
    y = x.reshape(-1, n)
    while bits:
        step = min(bits, RADIX)
        bits -= step
        size = 1 << step
        y = (y.reshape(len(y), -1, size) @ _matrix(step, x)).mT.reshape(-1, n)
    return y.reshape(x.shape)


def _matrix(bits: int, like: Tensor) -> Tensor:
    """The Hadamard matrix of size ``2^bits``."""
    H = like.new_ones(1, 1)
    for _ in range(bits):
        H = torch.cat([torch.cat([H, H], 1), torch.cat([H, -H], 1)])
    return H

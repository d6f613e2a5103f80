"""Complex numbers of a few items, in rows or side by side in columns: PyTorch swaps the axes of so narrow a matrix
slowly."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch

PIECE = 1 << 16
"""Numbers that are moved at a time, so that they stay in the processor's cache."""
FEW = 4
"""Rows up to which one after the other is taken out of the columns."""


def side_by_side(rows: Tensor, sign: Tensor | None = None) -> Tensor:
    """``[B, n]`` complex as ``[n, B]``, real and imaginary part times their ``sign [n, 2]``, if that is given."""
    rows = rows.resolve_conj()
    if len(rows) == 1 or rows.device.type != "cpu":
        columns = rows.mT.contiguous()
        if sign is not None:
            return torch.view_as_complex(torch.view_as_real(columns) * sign[:, None])
        return columns
    out = rows.new_empty(rows.shape[1], len(rows))
    step = max(1, PIECE // len(rows))
    for low in range(0, rows.shape[1], step):
        some = slice(low, low + step)
        part = rows[:, some]
        if sign is not None:
            part = torch.view_as_complex(torch.view_as_real(part) * sign[some])
        for b, one in enumerate(part):
            out[some, b] = one
    return out


def one_by_one(columns: Tensor) -> Tensor:
    """``[n, B]`` as ``[B, n]``, each item in one piece of memory."""
    count = columns.shape[1]
    if count == 1 or count > FEW or columns.device.type != "cpu":
        return columns.mT.contiguous()
    out = columns.new_empty(count, len(columns))
    for b in range(count):
        out[b] = columns[:, b]
    return out

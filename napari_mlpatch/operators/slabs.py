"""The transpose of a NUFFT in single precision on the CPU, one slab of its grid after the other.

What stays in the cache costs no memory traffic and no new pages: this takes half the time of ``Nufft2d.transpose``,
and a third where there are several images. It is not differentiable, and gives the same but for rounding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from napari_mlpatch.torch_later import F, Tensor, torch

from .narrow import one_by_one, side_by_side
from .nufft import Nufft2d

TOGETHER = 8
"""Images whose real and imaginary parts are the columns of one product: more are no faster."""
MANY = 8
"""Columns from which on a product is a sum of embeddings, for which PyTorch has a faster kernel."""
SLAB = 1 << 20
"""Complex numbers of a slab."""


def transposed(nufft: Nufft2d, f: Tensor) -> Tensor:
    """``nufft.transpose(f)``: ``[B, frequencies]`` complex to ``[B, *shape]`` real."""
    if f.device.type != "cpu" or f.dtype != torch.complex64:
        return nufft.transpose(f)
    parts = [_rows(nufft, _half(nufft, part)) for part in f.split(TOGETHER)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _half(nufft: Nufft2d, f: Tensor) -> Tensor:
    """Summed along the columns of the grid and cut out of it: ``[B, rows of the image, columns of the grid]``."""
    grid, half, m = nufft.rows.grid, nufft.half, nufft.margin
    R, r, count = nufft.shape[0], nufft.shape[0] // 2, len(f)
    columns = _gridded(nufft, f)
    margins = ((1, _mirror(columns(0, m))), (half - 1 - m, _mirror(columns(m + half, half + 2 * m))))
    out = f.new_empty(count, R, half)
    step = max(1, SLAB // (grid * count))
    for low in range(0, half, step):
        high = min(low + step, half)
        slab = columns(low + m, high + m)
        for first, mirrored in margins:
            start, stop = max(first, low), min(first + m, high)
            if start < stop:
                slab[start - low : stop - low] += mirrored[start - first : stop - first]
        # Each column between zero and Nyquist stands for itself and its conjugate: all are halved but these two.
        if low == 0:
            slab[0] *= 2.0
        if high == half:
            slab[-1] *= 2.0
        lines = torch.fft.ifft(one_by_one(slab.view(-1, count)).view(count, -1, grid), norm="forward")
        for one, line in zip(out, lines, strict=True):  # transposing a matrix is faster than swapping axes
            one[:r, low:high] = line[:, grid - r :].mT
            one[r:, low:high] = line[:, : R - r].mT
    return out


def _rows(nufft: Nufft2d, half: Tensor) -> Tensor:
    """The images, summed along the rows of the grid and cut out of it."""
    grid, C, c = nufft.columns.grid, nufft.shape[1], nufft.shape[1] // 2
    factor = 0.5 * nufft.correction
    x = half.real.new_empty(len(half), *nufft.shape)
    step = max(1, SLAB // grid)
    for one, image in zip(half, x, strict=True):
        for low in range(0, nufft.shape[0], step):
            some = slice(low, low + step)
            rows = torch.fft.irfft(one[some], n=grid, norm="forward")
            torch.mul(rows[:, grid - c :], factor[some, :c], out=image[some, :c])
            torch.mul(rows[:, : C - c], factor[some, c:], out=image[some, c:])
    return x


def _gridded(nufft: Nufft2d, f: Tensor) -> Callable[[int, int], Tensor]:
    """A function that gives a range of the grid's columns, with its margins: complex ``[columns, rows, B]``."""
    table, grid, count = nufft.table, nufft.rows.grid, len(f)
    samples = torch.view_as_real(side_by_side(f, nufft.sign[:, 0])).flatten(1)
    starts, index, weight = table.matrix.crow_indices(), table.matrix.col_indices(), table.matrix.values()
    beyond = None if table.rest is None else table.beyond(samples)
    long = [] if table.rest is None else table.long.tolist()

    def columns(low: int, high: int) -> Tensor:
        first, last = low * grid, high * grid
        start = starts[first : last + 1]
        entries = slice(int(start[0]), int(start[-1]))
        sums = _product(start - start[0], index[entries], weight[entries], samples)
        a, b = bisect_left(long, first), bisect_left(long, last)
        if a < b:
            sums[table.long[a:b] - first] += beyond[a:b]  # type: ignore[index]
        return torch.view_as_complex(sums.view(high - low, grid, count, 2))

    return columns


def _product(start: Tensor, index: Tensor, weight: Tensor, x: Tensor) -> Tensor:
    """A sparse matrix in compressed rows times ``x``."""
    if not len(index):
        return x.new_zeros(len(start) - 1, x.shape[1])
    if x.shape[1] >= MANY:
        how = {"mode": "sum", "include_last_offset": True}
        return F.embedding_bag(index, x, start, per_sample_weights=weight, **how)  # type: ignore[arg-type]
    return torch.sparse_csr_tensor(start, index, weight, size=(len(start) - 1, len(x))) @ x


def _mirror(columns: Tensor) -> Tensor:
    """The spectrum of a real image at the opposite frequencies, ``[columns, rows, B]``."""
    return torch.roll(columns.flip(0, 1), 1, dims=1).conj()

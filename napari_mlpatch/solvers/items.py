"""Items of a batch are independent problems: numbers for each of them.

An item of ``[B, C, *space]`` is one picture with all its channels, which share one noise level, weight and stopping
point. A tensor of fewer than three dimensions is one item.
"""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch


def item_count(x: Tensor) -> int:
    """B, or 1 where x has no batch."""
    return len(x) if x.ndim > 2 else 1


def items(x: Tensor) -> list[Tensor]:
    """The items as vectors."""
    return list(x.flatten(1)) if x.ndim > 2 else [x.flatten()]


def each(values: Tensor | float, like: Tensor) -> Tensor:
    """Numbers ``[B]``, or one for all, in the precision and on the device of ``like`` and shaped to multiply it.

    They are real, unless they are given as complex ones.
    """
    values = numbers(values, like.device)
    values = values.to(like.dtype.to_complex() if values.is_complex() else like.dtype.to_real())
    return values.reshape(-1, *[1] * (like.ndim - 1)) if like.ndim > 2 else values.reshape(())


def numbers(values: Tensor | float, device: torch.device) -> Tensor:
    """Numbers as a tensor on a device, in double precision where they are none yet. A single one waits for no GPU."""
    if isinstance(values, float | int):
        return torch.full((), values, dtype=torch.float64, device=device)
    return torch.as_tensor(values).to(device)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Real part of ``<a, b>`` for each item, ``[B]`` in double precision.

    Where squares overflow or vanish in single precision, they are taken in double precision; on a GPU always, as asking
    would wait for it.
    """
    if a.device.type == "cpu":
        value = torch.stack([torch.real(torch.vdot(v, w)) for v, w in zip(items(a), items(b), strict=True)])
        size = value.abs()
        if bool(((size > 1e-30) & (size < 1e30)).all()):
            return value.double()
    return wide_dot(a, b)


def wide_dot(a: Tensor, b: Tensor) -> Tensor:
    """``dot`` in double precision throughout, in few operations: on a GPU starting one takes longer than its work."""
    count = item_count(a)
    if a.is_complex():
        a, b = torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj())
    return (a.double() * b).reshape(count, -1).sum(1)


def norm(a: Tensor) -> Tensor:
    """Euclidean length of each item, ``[B]`` in double precision."""
    return dot(a, a).sqrt() if a.device.type == "cpu" else wide_norm(a)


def wide_norm(a: Tensor) -> Tensor:
    """``norm`` in double precision throughout, in one operation."""
    flat = a.flatten(1) if a.ndim > 2 else a.reshape(1, -1)
    return torch.linalg.vector_norm(flat, dim=1, dtype=torch.promote_types(a.dtype, torch.float64))


def chosen(mask: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Items of a where ``mask [B]`` is True, else those of b."""
    if a.ndim < 3:
        return torch.where(mask.reshape(()), a, b)
    return torch.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b)


def plus(x: Tensor, factor: Tensor, y: Tensor) -> Tensor:
    """``x + factor · y`` in one pass, for a real factor of any shape that ``each`` makes."""
    return torch.addcmul(x, factor.to(x.dtype), y)


def ratio(a: Tensor, b: Tensor) -> Tensor:
    """``a / b`` for numbers of at least zero, zero where both are."""
    return a / torch.where((b == 0) & (a == 0), 1.0, b)

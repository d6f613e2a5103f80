"""States of iterations, a tensor or several, as one real vector for each item of the batch."""

from __future__ import annotations

import math
from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor, torch

State = Any
"""A tensor ``[B, ...]``, or a tuple of some with the same B: real or complex."""


def parts(z: State) -> tuple[Tensor, ...]:
    """The tensors of a state. Raises InputError for what is none."""
    given = z if isinstance(z, tuple) else (z,)
    if not given or not all(torch.is_tensor(part) and part.ndim and len(part) for part in given):
        named = ", ".join(str(list(part.shape)) if torch.is_tensor(part) else type(part).__name__ for part in given)
        raise InputError(f"A state is a tensor [batch, ...] or a tuple of them, got {named or 'an empty tuple'}.")
    if len({len(part) for part in given}) > 1:
        raise InputError(f"The tensors of a state have one batch, got {[list(part.shape) for part in given]}.")
    return given


def joined(z: State) -> Tensor:
    """``[B, n]``: all numbers of each item, real and imaginary parts."""
    vectors = [(torch.view_as_real(part) if part.is_complex() else part).flatten(1) for part in map(_rows, parts(z))]
    return vectors[0] if len(vectors) == 1 else torch.cat(vectors, 1)


def separated(vectors: Tensor, like: State) -> State:
    """The state of ``[B, n]``, with the shapes and types of another."""
    given = parts(like)
    sizes = [math.prod(part.shape[1:]) * (2 if part.is_complex() else 1) for part in given]
    found = []
    for vector, part in zip(vectors.split(sizes, 1), given, strict=True):
        if part.is_complex():
            pairs = vector.reshape(*part.shape, 2).contiguous()
            found.append(torch.view_as_complex(pairs).to(part.dtype))
        else:
            found.append(vector.reshape(part.shape).to(part.dtype))
    return tuple(found) if isinstance(like, tuple) else found[0]


def same_form(z: State, like: State) -> State:
    """``z``, which f made of ``like``. Raises InputError where shapes or the number of tensors differ."""
    is_tuple = isinstance(z, tuple)
    shapes = [list(part.shape) for part in parts(z)], [list(part.shape) for part in parts(like)]
    if is_tuple != isinstance(like, tuple) or shapes[0] != shapes[1]:
        raise InputError(f"f must keep the form of the state: it made {shapes[0]} of {shapes[1]}.")
    return z


def each_norm(vectors: Tensor) -> Tensor:
    """Euclidean length of each item, ``[B]`` in double precision."""
    return torch.linalg.vector_norm(vectors, dim=1, dtype=torch.float64)


def _rows(part: Tensor) -> Tensor:
    return part[:, None] if part.ndim == 1 else part.resolve_conj()

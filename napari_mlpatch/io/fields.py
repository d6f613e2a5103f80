"""Flat and dark fields of any shape, made to fit the stack that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_mlpatch.core.errors import InputError

from .arrays import Field, Slices, Stored
from .precision import check_finite, to_float32
from .stacked import stack_of


def field_of(stored: Stored, name: str, slices: int, bins: int, slices_first: bool = False) -> Field | None:
    """One number, ``[bins]``, or ``[slices, frames, bins]``, of a field for a stack of so many slices; None: empty.

    A number is a number. ``[bins]`` counts for all slices. ``[slices, bins]``, a frame of the whole detector, has one
    row for each slice and is never averaged over them; ``[frames, bins]`` are frames of a single slice. Of three axes
    the first are frames, ``[frames, slices, bins]``, or, where only that fits or ``slices_first`` says so, slices.
    Raises InputError for other shapes.
    """
    shape = stored.shape
    if 0 in shape:
        return None
    if stored.is_complex:
        raise InputError(f"The {name} field holds complex numbers. Counts are real.")
    if int(np.prod(shape)) == 1 and len(shape) <= 3:
        return float(np.asarray(stored.read(())).ravel()[0])
    if len(shape) == 1 or (len(shape) == 2 and shape[0] == 1):
        return _read(stored, name).ravel()
    if len(shape) == 2 and slices == 1:
        return Slices((1, *shape), lambda i: _read(stored, name))
    if len(shape) == 2 and shape[0] == slices:
        return Slices(
            (slices, 1, shape[1]),
            lambda i: stored.read(i)[None],
            read_block=(lambda start, stop: stored.read(slice(start, stop))[:, None]) if stored.ranges else None,
            sources=((stored, 0),),
        )
    if len(shape) == 3:
        frames, middle, _ = shape
        if middle == slices and not (slices_first and frames == slices):
            return stack_of(stored, 0)  # [slices, frames, bins]
        if frames == slices:
            return stack_of(stored, 1)
        if 1 in (frames, middle):
            return field_of(stored.squeezed(), name, slices, bins)
    raise InputError(
        f"The {name} field has shape {list(shape)}, which does not fit {slices} slice(s) of {bins} bins. Give a "
        "number, [bins], [slices, bins] (one frame of the detector), [frames, bins] of a single slice, or "
        "[frames, slices, bins]."
    )


def joined(fields: Sequence[Field], name: str, groups: Sequence[str] = ()) -> Field:
    """The frames of several fields, taken before and after the scan, as those of one; ``groups`` are their names."""
    if len(fields) == 1:
        return fields[0]
    stacks = [field for field in fields if isinstance(field, Slices)]
    if not stacks:
        return np.stack(np.broadcast_arrays(*[np.atleast_1d(field) for field in fields])).mean(axis=0)  # type: ignore[arg-type]
    if len(stacks) < len(fields) or len({(stack.shape[0], stack.shape[2]) for stack in stacks}) > 1:
        raise InputError(f"The {name} fields of this file have different shapes. Give one with the option {name}.")
    slices, _, bins = stacks[0].shape
    frames = sum(stack.shape[1] for stack in stacks)
    parts = tuple((group, stack.shape[1]) for group, stack in zip(groups, stacks, strict=False))
    return Slices(
        (slices, frames, bins),
        lambda i: np.concatenate([stack[i] for stack in stacks]),
        groups=parts,
        read_block=lambda start, stop: np.concatenate([stack.block(start, stop) for stack in stacks], axis=1),
        sources=tuple(source for stack in stacks for source in stack.sources),
    )


def _read(stored: Stored, name: str) -> np.ndarray:
    array = to_float32(stored.read(()))
    check_finite(array, f"The {name} field")
    return array

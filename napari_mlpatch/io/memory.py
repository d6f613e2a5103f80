"""A measurement from an array that a program holds, rather than from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from .arrays import Slices
from .measurement import Measurement


class InMemory(Measurement):
    """What it is made from cannot be found again by its name."""

    def source(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "memory"}


def measurement_of(array: Any, name: str = "array") -> Measurement:
    """A sinogram ``[angles, bins]``, or a stack of them ``[slices, angles, bins]``, whose angles are to be given.

    Raises InputError for arrays of another form.
    """
    values = np.asarray(array)
    if values.ndim not in (2, 3) or values.dtype.kind not in "biuf" or values.size == 0:
        raise InputError(
            f"A sinogram has real numbers [angles, bins], or a stack of them [slices, angles, bins]; {name!r} has "
            f"{values.dtype} of shape {list(values.shape)}."
        )
    stack = values.reshape(-1, *values.shape[-2:])
    shape = (stack.shape[0], stack.shape[1], stack.shape[2])
    return InMemory(Slices(shape, lambda i: stack[i]), Path(name), notes=(f"from the layer {name}",))

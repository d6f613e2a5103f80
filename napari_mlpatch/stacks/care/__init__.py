"""Care of sinograms before they are reconstructed: one step a file, see ``step.Step``.

>>> from napari_mlpatch.stacks import care
>>> clean, geometry = care.apply(["dead-stripes", {"name": "rings", "params": {"width": 31}}], sinogram, geometry)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from .step import Geometry, Step, built, done

__all__ = ["Geometry", "Step", "apply"]


def apply(steps: Sequence[Step | str | dict[str, Any]], block: Any, geometry: Any) -> tuple[np.ndarray, Geometry]:
    """All that there is of a stack, or one slice of it, with the steps done in their order.

    ``block`` is ``[slices, angles, bins]`` or a single sinogram ``[angles, bins]``, line integrals; so is what comes
    back. ``geometry`` is that of the block, or the angles in degrees. Steps may be given by name. For steps that look
    at neighbouring rows (``step.halo``) the result is that of the run over the stack only where the block has them.
    Raises InputError, with the name of the step.
    """
    values = np.asarray(block, np.float32)
    out = values[None] if values.ndim == 2 else values
    if not isinstance(geometry, Geometry):
        geometry = Geometry(np.asarray(geometry, float))
    if out.ndim != 3 or len(geometry.angles_deg) != out.shape[1]:
        raise InputError(
            f"Care is taken of sinograms [slices, angles, bins] with an angle for each row, got {values.shape} and "
            f"{len(geometry.angles_deg)} angles."
        )
    geometry = dataclasses.replace(geometry, count=max(geometry.count, geometry.first + len(out)))
    for step in steps:
        made = step if isinstance(step, Step) else built([{"name": step} if isinstance(step, str) else step])[0]
        out, geometry = done(made, out, geometry)
    return (out[0] if values.ndim == 2 else out), geometry

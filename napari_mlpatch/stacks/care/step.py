"""What a step of sinogram care is: it takes a block of slices and gives one that is easier to reconstruct."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import care_steps


@dataclass(frozen=True)
class Geometry:
    """How a block of sinograms was measured.

    ``angles_deg`` is ``[angles]``, ``centers`` the bin of the rotation axis of each slice of the block, ``[slices]``,
    None where nobody has said. ``pitch`` is the width of a bin in ``unit`` of length (1 where unknown). ``first`` is
    the number of the block's first slice in the stack, which has ``count`` of them.
    """

    angles_deg: np.ndarray
    centers: np.ndarray | None = None
    pitch: float = 1.0
    unit: str = ""
    first: int = 0
    count: int = 1

    def rows(self, start: int, stop: int) -> Geometry:
        """Of the slices ``start`` to ``stop`` of the block, counted from its first one."""
        centers = None if self.centers is None else self.centers[start:stop]
        return dataclasses.replace(self, centers=centers, first=self.first + start)


class Step:
    """Base of all steps: a frozen pydantic dataclass under ``@care_steps.register``.

    A block is float32 ``[slices, angles, bins]``, line integrals without NaN. ``apply`` gives a new block with as many
    slices, and its geometry: angles, bins and centres may be others. It is pure and deterministic, and what comes out
    for a slice does not depend on the block that it came in, so that a run that is continued gives the same bits.

    A step of the domain "sinograms" looks at one slice at a time. One of "projections" may look at ``halo`` rows to
    each side: the block then has them, where the stack goes on, and the caller takes them off again. Where
    ``geometry.first`` is 0 the stack begins with the block, where ``geometry.first + len(block)`` is
    ``geometry.count`` it ends with it: nothing lies beyond, and a step says how it goes on there.
    """

    name: str
    title: str

    domain: ClassVar[Literal["sinograms", "projections"]] = "sinograms"

    @property
    def halo(self) -> int:
        """Rows of the detector that it needs to each side of those that it gives."""
        return 0

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        """The block with the step done. Raises InputError for what cannot be done, with the numbers seen."""
        raise NotImplementedError


def built(descriptions: Sequence[dict]) -> tuple[Step, ...]:
    """The steps of a recipe, in their order. Raises InputError for unknown ones and impossible parameters."""
    return tuple(build(care_steps, description) for description in descriptions)


def halo_of(steps: Sequence[Step]) -> int:
    """Rows to each side that a block needs for all of these steps, one after the other."""
    return sum(step.halo for step in steps)


def done(step: Step, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
    """One step, its halo not taken off. Raises InputError, with the name of the step."""
    try:
        out, geometry = step.apply(block, geometry)
    except InputError as error:
        raise InputError(f"Care step {step.name!r}: {error}") from None
    if len(out) != len(block):
        raise InputError(f"Care step {step.name!r} made {len(out)} slices of {len(block)}: they must stay as many.")
    return out, geometry


def cared(
    steps: Sequence[Step], block: np.ndarray, geometry: Geometry, start: int, stop: int
) -> tuple[np.ndarray, Geometry]:
    """All steps in their order, for the slices ``start`` to ``stop`` of the stack.

    The block has ``halo_of(steps)`` slices more to each side, where the stack has them. Raises InputError, with the
    name of the step.
    """
    for step in steps:
        slices = len(block)
        block, geometry = done(step, block, geometry)
        above = 0 if geometry.first == 0 else step.halo
        below = 0 if geometry.first + slices == geometry.count else step.halo
        block, geometry = block[above : slices - below], geometry.rows(above, slices - below)
    low, high = start - geometry.first, stop - geometry.first
    out, geometry = block[low:high], geometry.rows(low, high)
    return (out.copy() if halo_of(steps) else out), geometry  # a view would keep the rows around it in memory

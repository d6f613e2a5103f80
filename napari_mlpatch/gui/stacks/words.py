"""What a stack holds, and what its run will cost, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mlpatch.workbench.words import duration, size

if TYPE_CHECKING:
    from napari_mlpatch.stacks.look import Facts
    from napari_mlpatch.stacks.sizing import Size
    from napari_mlpatch.workbench.stacks import Base

KINDS = {"sinogram": "sinograms", "kspace": "k-space", "data": "data"}


def holds(facts: Facts | None) -> str:
    """ ": 64 slices, sinograms of 180 x 256"."""
    if facts is None:
        return ""
    return f": {facts.count} slices, {KINDS[facts.kind]} of {' x '.join(map(str, facts.shape))}"


def costs(base: Base, count: int, cost: Size | None) -> str:
    """Time, memory and room of so many slices, as far as they are known."""
    words = [f"{count} slices"]
    if base.seconds:
        words[0] += f", one took {duration(base.seconds)}: about {duration(count * base.seconds)}"
    if cost is not None:
        words.append(f"{cost.slices} at a time, {size(cost.bytes)} of memory")
    shape = base.recipe.recipe.operator.params.get("image_shape")
    room = 4.0 * count * shape[0] * shape[1] if shape else 0.0
    if room >= 2**20:
        words.append(f"{size(room)} on the disk")
    return "; ".join(words)

"""Of a block that fails as a whole, the slices that can be made, with the numbers that they have in a whole block.

What cannot be read is replaced by a neighbour, so that the block is computed as large as it would be; what comes out in
that place is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from napari_mlpatch.core.budget import is_out_of_memory
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Iterate

from .blocks import Block
from .care.step import Geometry, halo_of
from .job import Loaded, Tools
from .markers import TakenError
from .passing import is_passing
from .source import ChangedError, GapError


@dataclass(frozen=True)
class Why:
    """Why a slice cannot be made; ``passing``: it may be possible when it is tried again; ``gap``: it has no file, or
    needs one that has none, which was told before the run began."""

    message: str
    passing: bool = False
    gap: bool = False


Missed = dict[int, Why]
"""By the number of the slice."""


def why(error: Exception) -> Why:
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return Why(text, is_passing(error), isinstance(error, GapError))


def load(tools: Tools, block: Block, missed: Missed) -> Loaded | None:
    """The data of a block, those of slices in ``missed`` replaced; None where there is none that can be used.

    What cannot be used is added to ``missed``. Raises what concerns more than single slices.
    """
    try:
        return tools.load(block.start, block.stop)
    except Exception as error:
        if concerns_all(error):
            raise
        rows = _rows(tools, block, missed)
        if rows is None:
            return None
        try:
            return tools.care(rows, block.start, block.stop)
        except Exception as again:
            if concerns_all(again):
                raise
            return _cared_one_by_one(tools, block, rows, missed)


def compute(
    tools: Tools, block: Block, loaded: Loaded, missed: Missed, told: Callable[[Iterate | None], bool]
) -> np.ndarray | None:
    """The pictures of a block as ``Tools.compute`` gives them, NaN those in ``missed``, to which bad ones are added.

    None where ``told`` ended it. Raises what concerns more than single slices.
    """
    try:
        x = tools.compute(loaded, block.start, told)
    except Exception as error:
        if concerns_all(error):
            raise
        x, known = None, set(missed)
        for k in _others(block, known):
            try:
                if tools.compute(_only(loaded, k - block.start), k, told) is None:
                    return None
            except Exception as alone:
                if concerns_all(alone):
                    raise
                missed[k] = why(alone)
        good = _others(block, missed)
        if set(missed) == known:  # each of them can be made, but not all together
            raise
        if not good:
            return np.full((len(block), *tools.picture_shape()), np.nan, np.float32)
        x = tools.compute(_without(loaded, [k - block.start for k in missed]), block.start, told)
    if x is not None and missed:
        x[[k - block.start for k in missed]] = np.nan
    return x


def concerns_all(error: Exception) -> bool:
    """Whether no slice is to blame: other data, another run, no memory."""
    return isinstance(error, ChangedError | TakenError) or is_out_of_memory(error.__cause__ or error)


def _rows(tools: Tools, block: Block, missed: Missed) -> np.ndarray | None:
    """The data of a block and its halo, read one by one; in the place of a bad one is the nearest good one.

    None where a slice of the block has no good one within its halo.
    """
    low, high = tools.around(block.start, block.stop)
    halo, rows, bad = halo_of(tools.steps), [], dict[int, Why]()
    for k in range(low, high):
        try:
            rows.append(tools.source.read(k, k + 1)[0])
        except Exception as error:
            if concerns_all(error):
                raise
            rows.append(None)
            bad[k] = why(error)
    for k in range(block.start, block.stop):
        near = min((row for row in bad if abs(row - k) <= halo), key=lambda row: abs(row - k), default=None)
        if near is not None:
            missed[k] = bad[near]
    good = [k for k in range(low, high) if k not in bad]
    if not good or not _others(block, missed):
        return None
    for k in bad:
        rows[k - low] = rows[min(good, key=lambda one: abs(one - k)) - low]
    tools.source.check_same()
    return np.stack(rows)  # type: ignore[arg-type]


def _cared_one_by_one(tools: Tools, block: Block, rows: np.ndarray, missed: Missed) -> Loaded | None:
    """Where care fails for one slice, it is done for each, with its own halo.

    It gives what it gives in a whole block, to rounding: a step may sum in another order where it gets fewer slices.
    """
    low, _ = tools.around(block.start, block.stop)
    made: dict[int, Loaded] = {}
    for k in _others(block, missed):
        first, last = tools.around(k, k + 1)
        try:
            made[k] = tools.care(rows[first - low : last - low], k, k + 1)
        except Exception as error:
            if concerns_all(error):
                raise
            missed[k] = why(error)
    if not made:
        return None
    order = [min(made, key=lambda one: abs(one - k)) for k in range(block.start, block.stop)]
    values = np.concatenate([made[k][0] for k in order])
    geometry = made[order[0]][1]
    if geometry is not None:
        found = [made[k][1] for k in order]
        centers = None if geometry.centers is None else np.concatenate([one.centers for one in found])  # type: ignore
        geometry = replace(geometry, centers=centers, first=block.start)
    return values, geometry


def _others(block: Block, missed: Iterable[int]) -> list[int]:
    left_out = set(missed)
    return [k for k in range(block.start, block.stop) if k not in left_out]


def _only(loaded: Loaded, place: int) -> Loaded:
    values, geometry = loaded
    return values[place : place + 1], None if geometry is None else geometry.rows(place, place + 1)


def _without(loaded: Loaded, places: list[int]) -> Loaded:
    """With the nearest other slice in these places, its centre among it."""
    values, geometry = loaded
    good = [k for k in range(len(values)) if k not in places]
    order = [k if k in good else min(good, key=lambda one: abs(one - k)) for k in range(len(values))]
    if geometry is not None and geometry.centers is not None:
        geometry = _with_centers(geometry, geometry.centers[order])
    return values[order], geometry


def _with_centers(geometry: Geometry, centers: np.ndarray) -> Geometry:
    return replace(geometry, centers=centers)

"""When the flat fields of a file were taken: before or after the scan by their names, or by clocks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ..arrays import Field, Slices, Stored
from .frames import runs
from .names import FLAT_TIMES, SCAN_TIMES, find, side


def by_side(field: Field, names: Sequence[str], count: int) -> Field:
    """With the times, in numbers of angles, of frames in arrays some of which say that they are from before or after.

    Where all that say so are from one side, the one array that does not is from the other.
    """
    sides = [side(name) for name in names]
    known = {one for one in sides if one is not None}
    if len(known) == 1 and sides.count(None) == 1:
        (other,) = {"before", "after"} - known
        sides, known = [one or other for one in sides], {"before", "after"}
    if not isinstance(field, Slices) or None in sides or len(known) < 2 or len(field.groups) != len(sides):
        return field
    is_after = np.repeat([one == "after" for one in sides], [n for _, n in field.groups])
    times = tuple(np.where(is_after, float(count), -1.0).tolist())
    return dataclasses.replace(field, times=times, scan_times=tuple(range(count)))


def by_clock(field: Field | None, arrays: Mapping[str, Stored], near: str, count: int) -> tuple[Field | None, str]:
    """With the times of frames and angles that the file lists, one for each; and a note where there are any.

    Frames between which no angle was measured are a group.
    """
    lists = [name for name, array in arrays.items() if max(array.shape, default=0) == np.prod(array.shape)]
    flats, scan = find(lists, FLAT_TIMES, near), find(lists, SCAN_TIMES, near)
    if not isinstance(field, Slices) or field.times or flats is None or scan is None:
        return field, ""
    taken, views = (np.asarray(arrays[name].read(()), float).ravel() for name in (flats, scan))
    if len(taken) != field.shape[1] or len(views) != count or not np.isfinite([*taken, *views]).all():
        return field, f"{flats!r} and {scan!r} do not fit the frames and angles: the flats' times are not used"
    after = np.searchsorted(np.sort(views), taken)
    if (np.diff(after) < 0).any() or after[0] == after[-1]:
        return field, ""
    groups = []
    for one in np.unique(after):
        groups += runs(np.flatnonzero(after == one))
    field = dataclasses.replace(
        field, groups=tuple(groups), times=tuple(taken.tolist()), scan_times=tuple(views.tolist())
    )
    return field, f"flats taken at {len(groups)} times, by {flats!r} and {scan!r}, interpolated linearly between them"

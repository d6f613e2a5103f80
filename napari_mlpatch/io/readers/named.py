"""A sinogram and what belongs to it among named arrays, as NPZ, MATLAB and HDF5 files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..angles import to_degrees
from ..arrays import Field, Slices, Stored
from ..fields import field_of, joined
from ..measurement import COUNTS_BY, Measurement
from ..option_phrases import COUNTS_GIVE_FLAT, option
from ..options import LoadOptions
from ..stacked import slices, slices_first, stack_of
from .count_evidence import could_be_flat, evidence, look_alikes, unknown_frames
from .flat_times import by_clock, by_side
from .frames import codes_of, parted
from .names import ANGLE_AXES, ANGLES, BIN_AXES, CENTER, DARK, FLAT, IMAGE_KEY, chosen, find, find_all, key

COUNTS = ("counts", "count")
MONITOR = ("control", "monitor", "beammonitor", "beamcurrent", "ringcurrent", "electroncurrent")


def measurement_from(
    path: Path, arrays: Mapping[str, Stored], options: LoadOptions, *, prefer: str = "", usual_axis: str = "rows"
) -> Measurement:
    """Find the sinogram and what belongs to it among the arrays of a file. Names of a path's last part count.

    Without ``dataset``, the array ``prefer`` or one with a usual name is the sinogram, else the only one of two or
    three axes. Without ``angle_axis``, the angles run along the axis that the file calls so, else along the one that
    has as many entries as there are angles, ``usual_axis`` first. An image key parts projections from flats and darks.
    Raises InputError when there is nothing to choose, or too much.
    """
    name, note = chosen(path, arrays, options.dataset, prefer)
    stored = arrays[name]
    notes = [f"sinogram from {name!r}, shape {list(stored.shape)}", *filter(None, [note, stored.note])]
    if options.angle_axis is None or len(stored.shape) > 3:
        stored = stored.squeezed()
    if not stored.labels() and (turned := slices_first(stored)) is not None:
        stored = turned
        notes.append(f"the last axis is far the shortest: taken as slices, read as {list(stored.shape)}")
    angles, has_asked = None, False
    keys = find([n for n, a in arrays.items() if max(a.shape, default=1) > 1], IMAGE_KEY, name)
    kinds = None if keys is None else codes_of(arrays[keys].read(()), keys)
    found = find([n for n, a in arrays.items() if max(a.shape, default=1) > 1], ANGLES, name)
    if found is not None:
        unit = ANGLES[key(found)] or arrays[found].attribute("units")
        values = np.asarray(arrays[found].read(())).ravel()
        if kinds is not None and values.size == kinds.size and (kinds == 0).any():
            values = values[kinds == 0]  # those of flats and darks mean nothing, and may be NaN
        angles, note = to_degrees(values, unit, f"{found!r} of {path.name}", options.angle_unit)
        has_asked = angles is None
        notes.append(note if angles is None else f"{angles.size} {note}, from {found!r}")
        notes += filter(None, [arrays[found].note])
    count = max(arrays[found].shape) if found is not None else None
    expected = {n for n in (count, max(arrays[keys].shape) if keys is not None else None) if n is not None}
    stack, note, sinograms = _stack(stored, options.angle_axis, expected, usual_axis)
    notes += [note]
    flat: Field | None = None
    dark: Field | None = None
    flats: list[str] = []
    fields: list[str] = []  # which belong to counts alone
    if keys is not None and kinds is not None:
        frames = parted(stack, kinds, keys)
        stack, flat, dark, angles = frames.projections, frames.flat, frames.dark, frames.angles_of(angles)
        notes.append(frames.note)
        notes += _unused_monitors(arrays, name, len(frames.used), stack.shape[1])
    if stack.shape[0] > 1:
        middle = stack.shape[0] // 2
        notes.append(f"{stack.shape[0]} slices, of which {middle} (the middle one) is taken unless you choose")
    center, note = _center(arrays, name, stack)
    notes += filter(None, [note])
    if flat is None:
        possible, less = could_be_flat(arrays, name, stack)
        flats = find_all(possible, FLAT, name)
        flat, more = _field(arrays, flats, stack, "flat", sinograms)
        flat, note = by_clock(flat, arrays, name, stack.shape[1])
        fields, also = look_alikes(arrays, name, stack)
        notes += filter(None, [*less, *more, note, *also])
    is_counts = flat is not None or (keys is not None and stored.is_integer) or _says_counts(arrays[name])
    if dark is None:
        darks = find_all(arrays, DARK, name)
        if not is_counts:
            shown, less = evidence(arrays, name, fields, darks, stack)
            notes += [*(f"{COUNTS_BY}{one}" for one in shown), *less]
            is_counts = bool(shown)
        if is_counts:
            dark, more = _field(arrays, darks, stack, "dark", sinograms)
            notes += more
    else:
        is_counts = True
    if is_counts and flat is None:
        notes.append("detector counts without a flat field")
    else:
        notes.append(counts_note(is_counts, stored.is_integer))
    if not is_counts and keys is None:
        notes += unknown_frames(arrays, name, stack.shape)
    if has_asked:
        angles = None
    return Measurement(
        data=stack,
        path=path,
        angles_deg=angles,
        center=center,
        flat=flat,
        dark=dark,
        is_counts=is_counts,
        notes=tuple(notes),
        flat_from=tuple(one for one in flats if 0 not in arrays[one].shape),
    )


def counts_note(has_flat: bool, is_integer: bool) -> str:
    """Whether the logarithm is taken, and why."""
    if has_flat:
        return "detector counts with a flat field: the logarithm is taken"
    if is_integer:
        return (
            "whole numbers without a flat field, taken as line integrals as they are: "
            f"if they are detector {COUNTS_GIVE_FLAT}"
        )
    return "taken as line integrals (after the logarithm)"


def _says_counts(stored: Stored) -> bool:
    return str(stored.attribute("units") or "").strip().lower() in COUNTS


def _stack(stored: Stored, asked: str | None, expected: set[int], usual: str) -> tuple[Slices, str, bool]:
    """The array as ``[slices, angles, bins]``, a note, and whether slices come before angles in the file."""
    labels = tuple(key(label) for label in stored.labels()) if len(stored.shape) in (2, 3) else ()
    at = next((i for i, label in enumerate(labels) if label in ANGLE_AXES), None)
    words = ("rows", "columns") if len(stored.shape) == 2 else ("pages", "rows", "columns")
    if asked is None and at is not None and (not expected or stored.shape[at] in expected):
        bins = next((i for i, label in enumerate(labels) if label in BIN_AXES and i != at), None)
        stack = stack_of(stored, at, bins)
        note = f"angles along the {words[at]}, because the file calls its axes {', '.join(labels)}"
        return stack, f"{stack.shape[1]} {note}; {stack.shape[2]} bins", at > 0
    axis = asked or _fitting_axis(stored.shape, expected, usual)
    stack = slices(stored, axis)
    note = f"{stack.shape[1]} angles along the {axis}, {stack.shape[2]} bins"
    if asked is None and len(stored.shape) == 3 and stored.shape.count(stack.shape[1]) > 1:
        note += (
            f" ({stored.shape.count(stack.shape[1])} axes of {list(stored.shape)} have {stack.shape[1]} entries and "
            f"nothing tells which are the angles: {option('angle_axis')} chooses)"
        )
    return stack, note, axis != "pages"


def _fitting_axis(shape: tuple[int, ...], expected: set[int], usual: str) -> str:
    sizes: dict[str, int] = dict(zip(("columns", "rows", "pages"), reversed(shape), strict=False))
    usual = usual if usual in sizes else "rows"
    order = (usual, *(axis for axis in ("rows", "columns", "pages") if axis != usual))
    return next((axis for axis in order if sizes.get(axis) in expected), usual)


def _center(arrays: Mapping[str, Stored], near: str, stack: Slices) -> tuple[float | None, str]:
    found = find([name for name, array in arrays.items() if int(np.prod(array.shape)) == 1], CENTER, near)
    if found is None:
        return None, ""
    center = float(np.asarray(arrays[found].read(())).ravel()[0].real)
    if not 0 <= center <= stack.shape[2] - 1:
        return None, f"{found!r} = {center:g} is not a bin of the detector and was ignored"
    return center, f"centre of rotation {center:g}, from {found!r}"


def _field(
    arrays: Mapping[str, Stored], names: list[str], stack: Slices, what: str, slices_first: bool
) -> tuple[Field | None, list[str]]:
    """The field in all arrays of these names, and notes on it."""
    fields: list[Field] = []
    used: list[str] = []
    notes: list[str] = []
    for name in names:
        try:
            one = field_of(arrays[name], what, stack.shape[0], stack.shape[2], slices_first)
        except InputError as error:
            raise InputError(f"{name!r}: {error}") from None
        if one is None:
            notes.append(f"{name!r} is empty: no {what} field")
        else:
            fields.append(one)
            used.append(name)
            notes += filter(None, [f"{what} field from {name!r}, shape {list(arrays[name].shape)}", arrays[name].note])
    if not fields:
        return None, notes
    field = joined(fields, what, [repr(name) for name in used])
    return (by_side(field, used, stack.shape[1]) if what == "flat" else field), notes


def _unused_monitors(arrays: Mapping[str, Stored], near: str, *counts: int) -> list[str]:
    """A note on each list of the beam's intensity, one number for each frame."""
    found: dict[object, str] = {}
    for name, array in arrays.items():
        parts = [key(part) for part in name.split("/")]
        is_monitor = parts[-1] in MONITOR or (len(parts) > 1 and parts[-2] in MONITOR and parts[-1] == "data")
        if is_monitor and name != near and len(array.shape) == 1 and array.shape[0] in counts:
            found.setdefault(array.identity or name, name)
    return [f"{name!r} looks like the beam's intensity at each frame: it is not used" for name in found.values()]

"""A measurement from named arrays, as NPZ, MATLAB and plain HDF5 files hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..angles import to_degrees
from ..arrays import Field, Slices, Stored, slices
from ..measurement import Measurement
from ..options import LoadOptions

# In the order in which they are tried, in lower case and without underscores.
SINOGRAM = ("sinogram", "sino", "sinogramdata", "projections", "proj", "data", "y", "measurement")
ANGLES = {
    "anglesdeg": "degrees",
    "thetadeg": "degrees",
    "anglesdegrees": "degrees",
    "anglesrad": "radians",
    "thetarad": "radians",
    "anglesradians": "radians",
    "angles": None,
    "angle": None,
    "theta": None,
    "thetas": None,
}
CENTER = ("center", "centre", "cor", "rotationcenter", "rotationcentre", "centerofrotation", "rotationaxis")
FLAT = ("flat", "flats", "white", "whites", "datawhite", "flatfield", "i0")
DARK = ("dark", "darks", "datadark", "darkfield")


def measurement_from(path: Path, arrays: Mapping[str, Stored], options: LoadOptions) -> Measurement:
    """Find the sinogram and what belongs to it among the arrays of a file. Names of a path's last part count.

    Without ``dataset``, the array with a usual name is the sinogram, else the only two- or three-dimensional one.
    Without ``angle_axis``, the angles run along the rows, or along the axis that has as many entries as there are
    angles. Raises InputError when there is nothing to choose, or too much.
    """
    name = chosen(path, arrays, options.dataset)
    notes = [f"sinogram from {name!r}, shape {list(arrays[name].shape)}"]

    angles = None
    found = find(arrays, ANGLES)
    if found is not None and max(arrays[found].shape, default=1) > 1:
        unit = ANGLES[key(found)]
        angles, note = to_degrees(arrays[found].read(()), unit, f"{found!r} of {path.name}", options.angle_unit)
        notes.append(note if angles is None else f"{angles.size} {note}, from {found!r}")

    axis = options.angle_axis or _fitting_axis(arrays[name].shape, angles)
    stack = slices(arrays[name], axis)
    notes.append(f"{stack.shape[1]} angles along the {axis}, {stack.shape[2]} bins" + _slices_note(stack))
    center = None
    found = find(arrays, CENTER)
    if found is not None and int(np.prod(arrays[found].shape)) == 1:
        center = float(np.asarray(arrays[found].read(())).ravel()[0])
        if not 0 <= center <= stack.shape[2] - 1:
            notes.append(f"{found!r} = {center:g} is not a bin of the detector and was ignored")
            center = None
        else:
            notes.append(f"centre of rotation {center:g}, from {found!r}")
    flat, dark = (_field(arrays, find(arrays, names), stack) for names in (FLAT, DARK))
    notes.append(counts_note(flat is not None, arrays[name].is_integer))
    return Measurement(
        data=stack,
        path=path,
        angles_deg=angles,
        center=center,
        flat=flat,
        dark=dark,
        is_counts=flat is not None,
        notes=tuple(notes),
    )


def chosen(path: Path, arrays: Mapping[str, Stored], dataset: str | None) -> str:
    """The name of the sinogram."""
    stacks = {name: array.shape for name, array in arrays.items() if array.is_stack}
    listed = ", ".join(f"{name} {list(shape)}" for name, shape in list(stacks.items())[:20]) or "none"
    if dataset is not None:
        if dataset not in arrays:
            raise InputError(f"{path} has no array {dataset!r}. It has: {listed}.")
        return dataset
    if not stacks:
        seen = ", ".join(f"{name} {list(array.shape)}" for name, array in list(arrays.items())[:20]) or "no numbers"
        raise InputError(f"{path} holds {seen}: no sinogram [angles, bins] and no stack of them.")
    usual = find(stacks, SINOGRAM)
    if usual is not None:
        return usual
    fields = {find(stacks, FLAT), find(stacks, DARK)}
    rest = [name for name in stacks if name not in fields]
    if len(rest) != 1:
        raise InputError(f"{path} holds several arrays: {listed}. Name the sinogram with the option dataset.")
    return rest[0]


def find(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The first of the names whose last part is a wanted one, tried in the order of ``wanted``."""
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(key(name), name)
    return next((by_key[w] for w in wanted if w in by_key), None)


def key(name: str) -> str:
    return name.replace(".", "/").split("/")[-1].lower().replace("_", "")


def counts_note(has_flat: bool, is_integer: bool) -> str:
    """Whether the logarithm is taken, and why."""
    if has_flat:
        return "detector counts with a flat field: the logarithm is taken"
    if is_integer:
        return (
            "whole numbers without a flat field, taken as line integrals as they are: "
            "if they are detector counts, give flat"
        )
    return "taken as line integrals (after the logarithm)"


def _slices_note(stack: Slices) -> str:
    count = stack.shape[0]
    return "" if count == 1 else f", {count} slices, of which {count // 2} (the middle one) is taken unless you choose"


def _fitting_axis(shape: tuple[int, ...], angles: np.ndarray | None) -> str:
    sizes = dict(zip(("columns", "rows", "pages"), reversed(shape), strict=False))
    if angles is None or sizes.get("rows") == angles.size:
        return "rows"
    return next((axis for axis in ("columns", "pages") if sizes.get(axis) == angles.size), "rows")


def _field(arrays: Mapping[str, Stored], name: str | None, stack: Slices) -> Field | None:
    """A flat or dark field: a number, ``[bins]``, ``[frames, bins]`` or ``[frames, slices, bins]``."""
    if name is None:
        return None
    from ..build.counts import given_field

    shape = arrays[name].shape
    if len(shape) == 3 and shape[1] == stack.shape[0]:
        return slices(arrays[name], "pages")
    return given_field(arrays[name].read(()), name)

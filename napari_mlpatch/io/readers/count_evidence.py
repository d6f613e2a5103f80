"""Whether fields beside a sinogram show that it holds counts: what has flat or dark fields is no line integrals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Slices, Stored
from ..option_phrases import FLAT_OR_FLAG
from ..plausible import CHEAP
from .names import FLAT, PICTURED, key, stem

LOOK_ALIKE = ("flat", "white", "openbeam")
BELOW_ZERO = 0.03  # of the values: beside an object, half of the line integrals are, and of raw counts dead pixels


def could_be_flat(arrays: Mapping[str, Stored], near: str, data: Slices) -> tuple[dict[str, Stored], list[str]]:
    """The arrays without those that only a picture's name calls flat fields, and a note on each of these.

    ``bright`` or ``white_field`` may be one number, such as a switch, or the signal of an object, as large as the
    sinogram ``near``.
    """
    notes = {}
    for name, array in arrays.items():
        if name == near or key(name) not in FLAT or stem(name) not in PICTURED:
            continue
        if int(np.prod(array.shape)) == 1:
            notes[name] = f"{name!r} is one number and is not used: if it is the flat field, give it as {FLAT_OR_FLAG}"
        elif _is_sinogram(array, arrays[near], data):
            notes[name] = _as_large(name, array)
    return {name: array for name, array in arrays.items() if name not in notes}, list(notes.values())


def look_alikes(arrays: Mapping[str, Stored], near: str, data: Slices) -> tuple[list[str], list[str]]:
    """Arrays that look like a flat field under a name that is not known, and a note on each.

    Those that are as large as the sinogram ``near`` are none, but noted.
    """
    same = {name for name, array in arrays.items() if _is_sinogram(array, arrays[near], data)}
    found = [
        name
        for name, array in arrays.items()
        if name != near
        and key(name) not in FLAT
        and any(word in key(name) for word in LOOK_ALIKE)
        and (array.shape[-1:] == data.shape[2:] or name in same)
    ][:5]
    fields = [name for name in found if name not in same]
    notes = [
        f"{name!r} looks like a flat field: it is not used (save it as NPY and give it as {FLAT_OR_FLAG})"
        if name in fields
        else _as_large(name, arrays[name])
        for name in found
    ]
    return fields, notes


def evidence(
    arrays: Mapping[str, Stored], near: str, flats: Iterable[str], darks: Iterable[str], data: Slices
) -> tuple[list[str], list[str]]:
    """What shows, in words, that the sinogram ``near`` holds counts, and a note on each field that does not.

    A field as large as the sinogram is another signal of the object, such as the dark field of a grating; one of
    zeros, or of another number of bins, is none. No field makes counts of ``data`` that are largely below zero.
    """
    shown, notes = [], []
    for name, what in (*((name, "flat") for name in flats), *((name, "dark") for name in darks)):
        array = arrays[name]
        if _is_sinogram(array, arrays[near], data):
            notes.append(_as_large(name, array, what))
        elif int(np.prod(array.shape)) != 1 and data.shape[2] not in array.shape:
            notes.append(
                f"{name!r} {list(array.shape)} does not fit {data.shape[2]} bins: no {what} field, and not used"
            )
        elif int(np.prod(array.shape)) <= CHEAP and not np.any(array.read(())):
            notes.append(f"{name!r} is zero everywhere: no {what} field")
        else:
            shown.append(f"{name!r} {list(array.shape)} looks like a {what} field")
    share = _below_zero(data) if shown and not arrays[near].is_integer else 0.0  # whole numbers may have overflown
    if share > BELOW_ZERO:
        notes += [
            f"{one}, but {100 * share:.2g} % of the values are below zero, as no counts are: it is not used"
            for one in shown
        ]
        shown = []
    return shown, notes


def unknown_frames(arrays: Mapping[str, Stored], near: str, shape: tuple[int, int, int]) -> list[str]:
    """A note on each real array beside a stack ``[slices, angles, bins]`` that is as large as pictures of its detector.

    Under whatever name: data that have flat or dark fields are counts, and no line integrals.
    """
    slices, angles, bins = shape
    return [
        f"{name!r} {list(array.shape)} has the size of pictures of the detector and is not used: if it is a flat "
        f"field, these are counts (save it as NPY and give it as {FLAT_OR_FLAG})"
        for name, array in arrays.items()
        if slices > 1
        and name != near
        and (array.identity is None or array.identity != arrays[near].identity)
        and not array.is_complex
        and (array.shape == (slices, bins) or (len(array.shape) == 3 and array.shape[1:] == (slices, bins)))
        and array.shape[0] != angles
    ][:5]


def _below_zero(data: Slices) -> float:
    """The share of values below zero in the middle slice, 0 where it is not cheap to know."""
    _, rows, bins = data.shape
    if data.read_all is not None or rows * bins > CHEAP:
        return 0.0
    try:
        return float(np.mean(data[len(data) // 2] < 0))
    except InputError:  # comes again when the slice is used
        return 0.0


def _is_sinogram(array: Stored, near: Stored, data: Slices) -> bool:
    """Whether an array is as large as the sinogram ``near``, or as one of its slices where no field can be."""
    shape, own = ([n for n in one.shape if n != 1] for one in (array, near))
    slices, *one = data.shape
    return shape == own or (shape == one and slices != one[0])


def _as_large(name: str, array: Stored, what: str = "flat") -> str:
    return f"{name!r} {list(array.shape)} is as large as the sinogram: no {what} field, and not used"

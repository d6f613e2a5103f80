"""A folder of pictures: a projection in each file, flats and darks beside them, angles in a text or in the names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.ranges import in_ranges

from ..angles import ASK, SAME, in_text, to_degrees
from ..arrays import Field, Slices, Stored
from ..guard import check_claim
from ..measurement import Measurement
from ..options import LoadOptions
from ..stacked import slices
from .folder_roles import roles_in
from .planes import plane
from .tilts import TILTS

ANGLE_WORDS = re.compile(r"ang|theta|rot|tilt|tlt", re.IGNORECASE)
IN_PARTS = (".tif", ".tiff", ".npy")
"""Of files that can be read in part, if they are not compressed."""
IN_NAME = re.compile(r"(-?\d+[.,p]\d+)(?:_?deg)?$|(-?\d+(?:[.,p]\d+)?)_?deg", re.IGNORECASE)


def is_folder_of_pictures(path: Path, head: bytes) -> bool:
    """Whether a folder, or folders in it, hold at least two pictures."""
    try:
        return roles_in(path).count > 1
    except OSError:
        return False


def load_folder(path: Path, options: LoadOptions) -> Measurement:
    """A stack of projections ``[angles, rows, bins]``, the files in natural order (2 before 10).

    Files or folders called flat, white, open beam, dark and the like are the fields. With "sino" in their names, or
    ``angle_axis`` "rows" or "columns", files are sinograms, a slice each. Angles are those of a text file in the folder
    that is called so or has one number for each file, else those in the files' names. Raises InputError.
    """
    roles = roles_in(path) if options.dataset is None else roles_in(path).chosen(options.dataset)
    files = roles.projection
    parents = {file.parent for file in files}
    if len(parents) > 1:
        listed = ", ".join(sorted(parent.name for parent in parents))
        raise InputError(f"{path} has pictures in several folders: {listed}. Give one of them, or its name as dataset.")
    if len(files) < 2:
        raise InputError(
            f"{path} holds {len(files)} projections{roles.reason}. Give the file itself, or the folder with all."
        )
    stored = _stack(path, files)
    kind = " or ".join(sorted({file.suffix.lower() for file in files}))
    notes = [
        f"{len(files)} {kind} files, {files[0].name} to {files[-1].name}, of {stored.shape[1]} x {stored.shape[2]}"
    ]
    notes += roles.notes
    gap = _missing(files)
    notes += [note for note in (_gaps(files), gap, _twice(files)) if note]
    is_sinograms = all("sino" in file.stem.lower() for file in files)
    axis = options.angle_axis or ("rows" if is_sinograms else "pages")
    stack = slices(stored, axis)
    notes.append(f"{stack.shape[1]} angles along the {axis}, {stack.shape[0]} slices of {stack.shape[2]} bins")
    if stack.shape[0] > 1:
        notes.append(f"slice {stack.shape[0] // 2} (the middle one) is taken unless you choose")
    angles, note = _angles(path, files, stack.shape[1], axis, options)
    notes += [note] if note else []
    flat, dark = (_field(path, getattr(roles, what), what, axis, stack, notes) for what in ("flat", "dark"))
    if flat is not None:
        notes.append("detector counts with a flat field: the logarithm is taken")
    else:
        notes.append("without a flat field, taken as line integrals (after the logarithm)")
    return Measurement(
        data=stack,
        path=path,
        angles_deg=angles,
        flat=flat,
        dark=dark if flat is not None else None,
        is_counts=flat is not None,
        notes=tuple(notes),
        gap=gap,
        places=_places(files) if gap and axis != "pages" else (),
    )


def _stack(path: Path, files: list[Path]) -> Stored:
    expected = plane(files[0])
    shape, kind = expected.shape, _kind(expected)
    for file in (files[-1], files[len(files) // 2]):
        _same(path, file, plane(file), files[0], shape, kind)
    check_claim(files[0], "its picture", shape, 1)
    in_parts = all(file.suffix.lower() in IN_PARTS for file in files) and not expected.pieces

    def one(file: Path, part: Any = ()) -> np.ndarray:
        stored = plane(file)
        _same(path, file, stored, files[0], shape, kind)
        return np.asarray(stored.read(part) if in_parts and part else np.asarray(stored.read(()))[part])

    def read(index: Any) -> np.ndarray:
        first, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(first, int | np.integer):
            return one(files[first], tuple(rest))
        return np.stack([one(file, tuple(rest)) for file in files[first]])

    return Stored(
        (len(files), *shape),
        lambda index: read(slice(None) if index == () else index),
        expected.is_integer,
        ranges=True,
        pieces=() if in_parts else (1, *shape),
        itemsize=expected.itemsize,
    )


def _same(path: Path, file: Path, found: Stored, first: Path, shape: tuple[int, ...], kind: str) -> None:
    if found.shape != shape or len(shape) != 2:
        raise InputError(
            f"{file} has shape {list(found.shape)}, {first.name} {list(shape)}: the pictures of {path.name} must be "
            "two-dimensional and of one size. Move what does not belong to the scan elsewhere."
        )
    if _kind(found) != kind:
        raise InputError(
            f"{file} holds {_kind(found)}, {first.name} {kind}: the pictures of {path.name} have different scales. "
            "Save them as numbers of one type, or move what does not belong to the scan elsewhere."
        )


def _kind(stored: Stored) -> str:
    """Of numbers with one scale: a conversion to or between whole numbers often changes it."""
    bits = stored.bits or 8 * stored.itemsize * stored.is_integer
    return f"whole numbers of {bits} {'bit' if bits == 1 else 'bits'}" if bits else "real numbers"


def _twice(files: list[Path]) -> str:
    """Numbers that stand in several names, where these seem to be the numbers of the pictures."""
    numbers = _numbers(files)
    values, counts = np.unique(numbers, return_counts=True)
    twice = values[counts > 1]
    if not 0 < 2 * twice.size <= values.size - twice.size:
        return ""
    names = " and ".join(file.name for file, number in zip(files, numbers, strict=True) if number == twice[0])
    return f"the number {twice[0]} stands in the names of {names}: each counts as a picture of its own"


def _gaps(files: list[Path]) -> str:
    last = _numbers(files)
    steps = np.diff(last)
    usual = int(np.median(steps)) if steps.size else 0
    if usual <= 0 or not (steps > usual).any():
        return ""
    at = int(np.argmax(steps > usual))
    return f"numbers in the names jump from {last[at]} to {last[at + 1]}: is a file missing?"


def _missing(files: list[Path]) -> str:
    """Which numbers are missing in the names, where these are regular but for that, and are no angles."""
    last = _numbers(files)
    steps = np.diff(last)
    usual = int(np.median(steps)) if steps.size else 0
    regular = usual > 0 and (steps > 0).all() and not (steps % usual).any()
    if not regular or len(files) * usual <= 0.5 * (last[-1] - last[0]) or all(IN_NAME.search(f.stem) for f in files):
        return ""
    lost = sorted(set(range(int(last[0]), int(last[-1]), usual)) - set(last.tolist()))
    word = "number is" if len(lost) == 1 else "numbers are"
    where = f"{files[0].name} to {files[-1].name}"
    return f"{len(lost)} {word} missing in the names, {where}: {in_ranges(lost, usual)}" if lost else ""


def _places(files: list[Path]) -> tuple[int, ...]:
    """Where each file would be if none was missing."""
    numbers = _numbers(files)
    return tuple(((numbers - numbers[0]) // int(np.median(np.diff(numbers)))).tolist())


def _numbers(files: list[Path]) -> np.ndarray:
    """The last number in each name; none where one has none."""
    found = [re.findall(r"\d+", file.stem) for file in files]
    numbers = [int(one[-1]) for one in found if one and len(one[-1]) < 10]
    return np.array(numbers if len(numbers) == len(files) else [], dtype=np.int64)


def _angles(
    path: Path, files: list[Path], count: int, axis: str, options: LoadOptions
) -> tuple[np.ndarray | None, str]:
    folders = dict.fromkeys((files[0].parent, path))
    texts = [t for f in folders for t in sorted(f.iterdir()) if t.suffix.lower() in (".txt", ".csv", ".dat", *TILTS)]
    named = [text for text in texts if ANGLE_WORDS.search(text.name)]
    other = ""
    for text in (*named, *(text for text in texts if text not in named)):
        try:
            values, stated, how = in_text(text)
        except InputError:
            if text in named:
                raise
            continue
        if len(values) == count:
            angles, note = to_degrees(values, stated, str(text), options.angle_unit)
            return angles, "; ".join(
                part for part in (f"{note}, from {text.name}" if angles is not None else note, how) if part
            )
        if text in named:
            gaps = _gaps(files)
            why = f"; {gaps}" if gaps else ""
            other = f"{text.name} has {len(values)} angles, for {count} {'files' if axis == 'pages' else 'rows'}{why}"
    if axis != "pages":
        return None, f"{other}. {SAME}" if other else ""
    found = [match for file in files if (match := IN_NAME.search(file.stem)) is not None]
    if len(found) != len(files):
        return None, f"{other}. {SAME}" if other else ""
    values = [float(re.sub("[,p]", ".", match[1] or match[2])) for match in found]
    if len(set(values)) < len(values) or np.abs(values).max() > 720:
        return None, ""
    order = np.diff(values)
    if not (np.all(order > 0) or np.all(order < 0)):
        return None, ""
    angles, note = to_degrees(values, "degrees", "the names of the files", options.angle_unit)
    return angles, note if angles is None or ASK in note else f"{len(values)} angles in degrees, from the files' names"


def _field(path: Path, files: list[Path], what: str, axis: str, stack: Slices, notes: list[str]) -> Field | None:
    """The mean of these pictures: ``[slices, frames, bins]``, read row by row."""
    if not files:
        return None
    if axis != "pages":
        notes.append(f"{len(files)} {what} pictures are not used with sinograms")
        return None
    stored = _stack(path, files)
    if stored.shape[1:] != (stack.shape[0], stack.shape[2]):
        raise InputError(
            f"The {what} pictures of {path} are {stored.shape[1]} x {stored.shape[2]}, the projections "
            f"{stack.shape[0]} x {stack.shape[2]}. Give pictures of the same size."
        )
    notes.append(f"{what} field, by their names: the mean of {len(files)} files, {files[0].name} to {files[-1].name}")
    return slices(stored, "pages")

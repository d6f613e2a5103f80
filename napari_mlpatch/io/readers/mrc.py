"""MRC: tilt series of electron tomography with the angles beside them, stacks and pictures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of, in_words
from napari_mlpatch.core.errors import InputError

from ..angles import to_degrees
from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import UNREAD_ANGLES, Measurement
from ..options import LoadOptions
from .named import measurement_from
from .tilts import tilts_beside

SUFFIXES = (".mrc", ".mrcs", ".st", ".ali", ".rec")
MODES = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}
"""Bytes of a number."""
COMPLEX = 4
"""The mode that is told from damage, but not read."""
IMOD = 1146047817
UNSIGNED = "bytes without a sign (0 to 255), as the header says"


def is_mrc(path: Path, head: bytes) -> bool:
    """Whether a file is MRC: its mark, or, of old files without, its suffix and sizes that its length allows."""
    if len(head) < 224:
        return False
    if head[208:211] == b"MAP":
        return True
    if path.suffix.lower() not in SUFFIXES:
        return False
    sizes = np.frombuffer(head[:16], "<i4")
    return bool((sizes[:3] > 0).all() and 0 <= sizes[3] <= 16 and np.prod(sizes[:3], dtype=float) < 2**40)


def load_mrc(path: Path, options: LoadOptions) -> Measurement:
    """A tilt series ``[tilts, rows, bins]``: pictures are projections, each row of them a slice, as IMOD aligns them.

    The angles come from the ``.tlt``, ``.rawtlt`` or ``.mdoc`` beside it, or from the extended header of FEI's
    microscopes. Raises InputError.
    """
    stored, header_tilts, told = _open(path)
    if options.dataset is not None:
        raise InputError(f"{path} is an MRC file and has no named arrays: leave out dataset ({options.dataset!r}).")
    if len(stored.shape) == 3 and options.angle_axis is None:
        options = dataclasses.replace(options, angle_axis="pages")
    found = measurement_from(path, {"image": stored}, options)
    count = found.data.shape[1]
    beside, others = tilts_beside(path, count)
    notes = [*told, *found.notes, *(f"{UNREAD_ANGLES}{one}" for one in others)]
    angles = None
    if beside is not None:
        angles, note = to_degrees(beside[0], "degrees", beside[1], options.angle_unit)
        notes.append(f"{count} tilt angles, {note}, from {beside[1]}" if angles is not None else note)
    elif header_tilts is not None and len(header_tilts) == count:
        angles, note = to_degrees(header_tilts, "degrees", f"the header of {path.name}", options.angle_unit)
        notes.append(f"{count} tilt angles, {note}, from the extended header")
    return dataclasses.replace(found, angles_deg=angles, notes=tuple(notes))


def mrc_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of an MRC file, the middle one of several, and notes."""
    stored, _, told = _open(path)
    if len(stored.shape) == 2:
        return stored.read(()), told
    middle = stored.shape[0] // 2
    return stored.read(middle), [f"picture {middle}, the middle one of {stored.shape[0]}", *told]


def _open(path: Path) -> tuple[Stored, Any, list[str]]:
    """The array, the tilt angles in its header, and notes."""
    import mrcfile

    with reading(path, "MRC"), _map(mrcfile, path) as file:
        data = file.data
        if data is None:
            raise InputError(_why_none(path, file.header))
        if data.dtype.kind not in "iuf" or data.ndim not in (2, 3):
            raise InputError(
                f"{path} holds {data.dtype} of shape {list(data.shape)}. Real numbers of two or three axes are read."
            )
        shape, kind = tuple(int(n) for n in data.shape), data.dtype
        check_claim(path, "its image", shape, kind.itemsize)
        tilts, unsigned = _tilts_in(file), kind == np.int8 and _is_unsigned(file)
        notes = [*[UNSIGNED] * unsigned, *_axes_note(file.header)]

    def read(index: Any) -> np.ndarray:
        with reading(path, "MRC"), _map(mrcfile, path) as file:
            values = np.array(file.data[index])
            return values.view(np.uint8) if unsigned else values

    return Stored(shape, read, kind.kind in "iu"), tilts, notes


def _why_none(path: Path, header: Any) -> str:
    """Why the library gave no array."""
    mode, sizes = int(header.mode), [int(header[name]) for name in ("nz", "ny", "nx")]
    if mode not in MODES:
        read = ", ".join(str(known) for known in MODES if known != COMPLEX)
        return f"{path} holds numbers of mode {mode}. Modes {read} are read: convert it."
    claimed, held = bytes_of(sizes, MODES[mode]), path.stat().st_size - 1024 - int(header.nsymbt)
    return (
        f"{path} breaks off: its header says {' x '.join(map(str, sizes))} numbers of {MODES[mode]} bytes, "
        f"{in_words(claimed)}, but after it come {in_words(max(held, 0))}."
    )


def _axes_note(header: Any) -> list[str]:
    """That columns, rows and pictures are not x, y and z."""
    axes = [int(header[name]) for name in ("mapc", "mapr", "maps")]
    if axes in ([1, 2, 3], [0, 0, 0]) or sorted(axes) != [1, 2, 3]:
        return []
    names = ", ".join("xyz"[axis - 1] for axis in axes)
    return [f"columns, rows and pictures run along {names}, as the header says: they are read as they are stored"]


def _is_unsigned(file: Any) -> bool:
    """Whether bytes go from 0 to 255: the header's largest value says so, or IMOD's mark without its flag for signs.

    They are the header's bytes 152 and 156 (D. N. Mastronarde, "The MRC/CCP4 file format used by IMOD").
    """
    header = file.header
    stamp, flags = np.frombuffer(header.extra2.tobytes()[40:48], header.dtype["mode"])
    beyond = 127 < float(header.dmax) <= 255 and float(header.dmin) >= 0
    return beyond or bool(stamp == IMOD and not flags & 1)


def _map(mrcfile: Any, path: Path) -> Any:
    """Mapped rather than read, so that a slice costs no more than a slice."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on old headers, which are read all the same
        return mrcfile.mmap(path, mode="r", permissive=True)


def _tilts_in(file: Any) -> np.ndarray | None:
    try:
        return np.asarray(file.indexed_extended_header["Alpha tilt"], float)
    except Exception:  # no extended header, or of another kind
        return None

"""MRC: tilt series of electron tomography with the angles beside them, stacks and pictures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..angles import to_degrees
from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from .named import measurement_from
from .tilts import tilts_beside

SUFFIXES = (".mrc", ".mrcs", ".st", ".ali", ".rec")


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
    stored, header_tilts = _open(path)
    if options.dataset is not None:
        raise InputError(f"{path} is an MRC file and has no named arrays: leave out dataset ({options.dataset!r}).")
    if len(stored.shape) == 3 and options.angle_axis is None:
        options = dataclasses.replace(options, angle_axis="pages")
    found = measurement_from(path, {"image": stored}, options)
    count = found.data.shape[1]
    beside = tilts_beside(path, count)
    notes = [*found.notes]
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
    stored, _ = _open(path)
    if len(stored.shape) == 2:
        return stored.read(()), []
    middle = stored.shape[0] // 2
    return stored.read(middle), [f"picture {middle}, the middle one of {stored.shape[0]}"]


def _open(path: Path) -> tuple[Stored, Any]:
    import mrcfile

    with reading(path, "MRC"), _map(mrcfile, path) as file:
        data = file.data
        if data is None or data.dtype.kind not in "iuf" or data.ndim not in (2, 3):
            seen = "nothing" if data is None else f"{data.dtype} of shape {list(data.shape)}"
            raise InputError(f"{path} holds {seen}. Real numbers of two or three axes are read.")
        shape, kind = tuple(int(n) for n in data.shape), data.dtype
        check_claim(path, "its image", shape, kind.itemsize)
        tilts = _tilts_in(file)

    def read(index: Any) -> np.ndarray:
        with reading(path, "MRC"), _map(mrcfile, path) as file:
            return np.array(file.data[index])

    return Stored(shape, read, kind.kind in "iu"), tilts


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

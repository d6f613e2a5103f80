"""Arrays of BART (Berkeley Advanced Reconstruction Toolbox): `name.hdr` has the sizes, `name.cfl` the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..guard import existing_file, reading
from ..measurement import Measurement
from ..option_phrases import naming
from ..options import LoadOptions
from .kspace import kspace_measurement

NAMES = (
    *("read", "phase 1", "phase 2", "coil", "maps", "echo", "coefficient", "coefficient 2"),
    *("iteration", "cycle shift", "time", "time 2", "level", "slice", "average", "batch"),
)
"""Of the axes, in the order of the file."""
ROWS, COLUMNS, DEPTH, COILS, SLICES = 0, 1, 2, 3, 13
MARK = "# Dimensions"
ITEM = np.dtype("<c8")
LARGEST_TEXT = 2**20


def is_bart(path: Path, head: bytes) -> bool:
    """Whether a file is one of the two of an array of BART."""
    suffix = path.suffix.lower()
    if suffix == ".hdr":
        return head.lstrip().startswith(MARK.encode())
    return suffix == ".cfl"


def load_bart(path: Path, options: LoadOptions) -> Measurement:
    """Cartesian k-space of one or more coils and slices; its rows are the readout, its columns the first phase.

    A second phase direction that is sampled in full is transformed, and gives slices. Either of the two files may be
    named. Raises InputError for other arrays, with the name of the axis.
    """
    if options.dataset is not None or options.angle_axis is not None:
        raise InputError(
            f"{path} is a file of BART, of which k-space is read: leave out {naming('dataset and {angle_axis}')}."
        )
    header, numbers = (existing_file(path.with_suffix(suffix)) for suffix in (".hdr", ".cfl"))
    sizes = _sizes(header, numbers)
    many = [f"{NAMES[k]} ({n})" for k, n in enumerate(sizes) if n > 1 and k not in (0, 1, 2, 3, SLICES)]
    if many:
        raise InputError(f"{path} has several entries along {', '.join(many)}. Take one of them first (bart slice).")
    if sizes[ROWS] == 1 or sizes[COLUMNS] == 1:
        raise InputError(
            f"{path} has sizes {[n for n in sizes[:4]]} for read, phase 1, phase 2, coil: as of samples along a "
            "trajectory, or of a line. K-space on a Cartesian grid is read: grid it first (bart nufft -i, bart fft)."
        )
    rows, columns, depth, coils, slices = (sizes[k] for k in (ROWS, COLUMNS, DEPTH, COILS, SLICES))
    if depth > 1 and slices > 1:
        raise InputError(f"{path} has {depth} steps of a second phase and {slices} slices. Take one slice first.")
    array = np.memmap(numbers, ITEM, "r", shape=(rows, columns, depth, coils, slices), order="F")
    notes = [f"k-space of BART, {rows} x {columns} x {depth}, {coils} coil(s), {slices} slice(s): rows are the readout"]
    if depth > 1:
        measured = (np.asarray(array[..., 0]) != 0).any(axis=3)
        if not np.array_equal(measured.any(axis=2), measured.all(axis=2)):
            raise InputError(
                f"{path} is undersampled along its second phase ({depth} steps), which couples the slices. Only "
                "k-space that is complete along it is read, slice by slice."
            )
        notes.append(f"transformed along the second phase into {depth} slices")

    def read(index: int) -> np.ndarray:
        with reading(path, "k-space of BART"):
            if depth == 1:
                return np.ascontiguousarray(np.asarray(array[:, :, 0, :, index]).transpose(2, 0, 1))
            z = np.arange(depth) - depth // 2  # one plane of the centred, unitary inverse transform
            wave = np.exp(2j * np.pi * z * (index - depth // 2) / depth) / np.sqrt(depth)
            plane = np.einsum("xyzc,z->cxy", array[..., 0], wave)
            return np.ascontiguousarray(plane, dtype=np.complex64)

    return kspace_measurement(
        path, read, (max(depth, slices), coils, rows, columns), None, None, notes, options.in_corner
    )


def _sizes(header: Path, numbers: Path) -> tuple[int, ...]:
    """The 16 sizes; checked against the length of the file of numbers."""
    with reading(header, "a header of BART"):
        if header.stat().st_size > LARGEST_TEXT:
            raise InputError(f"{header} is too large for a header of BART.")
        lines = header.read_text(encoding="utf-8").splitlines()
        at = next((k for k, line in enumerate(lines) if line.strip() == MARK), None)
        if at is None or at + 1 >= len(lines):
            raise InputError(f"{header} has no line {MARK!r} with the sizes below it.")
        words = lines[at + 1].split()
        if not 0 < len(words) <= len(NAMES) or any(not word.isdigit() or int(word) < 1 for word in words):
            raise InputError(f"{header} says the sizes {lines[at + 1][:80]!r}: up to 16 positive numbers are needed.")
        sizes: Any = tuple(int(word) for word in words) + (1,) * (len(NAMES) - len(words))
    held, claimed = numbers.stat().st_size, ITEM.itemsize
    for n in sizes:
        claimed *= n
    if held != claimed:
        raise InputError(
            f"{numbers} has {held} bytes, but {header.name} says {' x '.join(words)} complex numbers, {claimed} bytes: "
            "one of the two is cut off, or of another array."
        )
    return sizes

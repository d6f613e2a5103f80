"""K-space of Cartesian MRI scans: complex arrays of any file, and HDF5 files laid out like those of fastMRI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from ..arrays import Slices, Stored
from ..guard import reading
from ..measurement import Measurement
from ..option_phrases import OVERSAMPLED, PICTURE_OR_BOTH, naming, option
from ..options import ProblemOptions, given, problem_options
from ..precision import check_finite, to_complex64
from .kspace_axes import layout_of
from .kspace_corner import WORDS, Corner, centred, centred_mask, picture_in_corner
from .kspace_crop import crop, full_lines

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem


@dataclass(frozen=True, eq=False, kw_only=True)
class KSpace(Measurement):
    """The slices of a scan: ``read(i)`` gives slice i, complex ``[coils, rows, columns]``.

    ``mask`` tells what was measured, ``[rows, columns]`` or one for each slice; None: what is not zero. ``recon``:
    the size of the scanner's picture, the middle of that of k-space. ``data`` are pictures of k-space.
    """

    read: Callable[[int], np.ndarray]
    mask: np.ndarray | None = None
    recon: tuple[int, int] | None = None

    @property
    def is_complete(self) -> bool:
        return True

    def problem(self, **options: Any) -> Problem:
        """The reconstruction problem of one slice, by default the middle one, with an ``MRICartesian`` operator.

        ``image_shape``: the middle of the field of view, where the readout was oversampled; the default is what the
        file says. Several coils get sensitivities from the fully sampled centre of k-space
        (``estimate_sensitivities``). Raises InputError for other options, slices that do not exist, NaN and infinite
        values, empty and unusable k-space.
        """
        chosen = problem_options(options)
        others = [name for name in given(chosen) if name not in ("slice", "image_shape")]
        if others:
            raise InputError(
                f"The numbers of {self.path.name} are complex, and were read as k-space of an MRI scan, to which only "
                f"{naming('slice and {image_shape}')} apply, not {', '.join(others)}. If this is a sinogram, give its "
                "real numbers (of complex ones, the real part) as a file, or name another array with dataset."
            )
        count = len(self.data)
        index = count // 2 if chosen.slice is None else chosen.slice
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < count:
            raise InputError(f"Slices of k-space are taken one at a time, from 0 to {count - 1}, got {index!r}.")
        with reading(self.path, "k-space"):
            kspace = self.read(int(index))
        return self.problem_from(kspace, int(index), chosen)

    def problem_from(self, kspace: np.ndarray, index: int, chosen: ProblemOptions) -> Problem:
        """The problem of slice ``index``, whose k-space ``[coils, rows, columns]`` has been read. Raises InputError."""
        check_finite(kspace, f"Slice {index} of the k-space of {self.path.name} [coil, row, column]")
        mask = _measured(kspace, self.mask_of(index))
        if not mask.any():
            raise InputError(f"{self._empty(index)}: nothing was measured.")
        if chosen.image_shape is not None:
            kspace, mask = crop(kspace, mask, chosen.image_shape)
        elif self.recon is not None:
            kspace, mask = crop(kspace, mask, self.kept(mask))
        source = {name: value for name, value in given(chosen).items() if name != "slice"}
        return kspace_problem(kspace, mask, self.source(source if chosen.slice is None else {**source, "slice": index}))

    def mask_of(self, index: int) -> np.ndarray | None:
        return self.mask[index] if self.mask is not None and self.mask.ndim == 3 else self.mask

    def kept(self, mask: np.ndarray) -> tuple[int, int]:
        """The scanner's size of the picture along those axes along which k-space can be made smaller exactly."""
        assert self.recon is not None
        rows, columns = (
            min(n, wanted) if full_lines(mask, axis) else n
            for axis, (n, wanted) in enumerate(zip(mask.shape, self.recon, strict=True))
        )
        return rows, columns

    def _empty(self, index: int) -> str:
        count = len(self.data)
        where = f"Slice {index} of {count} (slice chooses another)" if count > 1 else "The k-space"
        return f"{where} of {self.path.name} is zero everywhere"


def kspace_problem(kspace: np.ndarray, mask: np.ndarray, source: dict[str, Any]) -> Problem:
    """The problem of one slice ``[coils, rows, columns]`` complex64, measured where ``mask`` says."""
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.operators.coil_maps import estimate_sensitivities
    from napari_mlpatch.operators.mri_cartesian import MRICartesian

    maps = None if len(kspace) == 1 else Array(estimate_sensitivities(kspace, mask))
    rows, columns = mask.shape
    A = MRICartesian(image_shape=(rows, columns), mask="custom", mask_values=Array(mask), sensitivities=maps)
    return Problem(A, torch.from_numpy(np.ascontiguousarray(kspace * mask)), source=source)


def kspace_from(
    path: Path,
    stored: Stored,
    name: str,
    mask: np.ndarray | None = None,
    *,
    axes: str | None = None,
    coils_first: bool = True,
    recon: tuple[int, int] | None = None,
    corner: Corner | None = None,
) -> KSpace:
    """K-space in an array of any layout (see ``layout_of``); only the slices that are asked for are read.

    ``mask``, where there is one, holds a value for each column, or row and column, or slice, row and column.
    """
    try:
        layout = layout_of(stored, name, axes, coils_first)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    count, coils, rows, columns = layout.sizes
    notes = [f"k-space from {name!r}, shape {list(stored.shape)}", *filter(None, [stored.note]), *layout.notes]
    sources = () if layout.axis is None else ((stored, layout.axis),)
    return kspace_measurement(path, layout.read, (count, coils, rows, columns), mask, recon, notes, corner, sources)


def kspace_measurement(
    path: Path,
    stored: Callable[[int], np.ndarray],
    sizes: tuple[int, int, int, int],
    mask: np.ndarray | None,
    recon: tuple[int, int] | None,
    notes: list[str],
    corner: Corner | None = None,
    sources: tuple[tuple[Stored, int], ...] = (),
) -> KSpace:
    """What was found, with notes on the middle slice. ``corner``: what is there, to be moved to the middle;
    ``sources`` as in ``Slices``."""
    count, coils, rows, columns = sizes

    def read(index: int) -> np.ndarray:
        return to_complex64(centred(stored(index), corner))

    mask = None if mask is None else centred_mask(_fitted(path, mask, count, rows, columns), corner)
    if mask is not None and not mask.any():
        raise InputError(f"The mask of {path.name} is zero everywhere: nothing was measured.")
    data = Slices((count, rows, columns), lambda i: picture(read(i)), sources=sources)
    found = KSpace(data=data, path=path, kind="mri-cartesian", read=read, mask=mask, recon=recon)
    middle = count // 2
    with reading(path, "k-space"):
        kspace = read(middle)
    measured = _measured(kspace, found.mask_of(middle))
    share = f"{100 * float(measured.mean()):.3g} % measured{f' in slice {middle}' if count > 1 else ''}"
    notes.append(
        f"{coils} coil(s), {rows} rows x {columns} columns, {share}, "
        f"zero frequency at row {rows // 2}, column {columns // 2}"
    )
    size = _size(kspace)
    row, column = np.unravel_index(np.nan_to_num(size).argmax(), size.shape)
    if not measured.any():
        notes.append(f"slice {middle} is zero everywhere")
    elif abs(row - rows // 2) > rows // 4 or abs(column - columns // 2) > columns // 4:
        notes.append(
            f"the largest value is at row {row}, column {column}: is zero frequency there? Then "
            f"{option('in_corner', 'frequency')} moves it to the middle"
        )
    if corner is not None:
        notes.append(f"{WORDS[corner]} moved from the corner to the middle, as you say")
    elif picture_in_corner(kspace * measured):
        notes.append(
            "the picture is bright in its four corners and dark in its middle: is its middle in the corner (a missing "
            f"fftshift)? Then {PICTURE_OR_BOTH} moves it"
        )
    if recon is not None and recon != (rows, columns):
        notes.append(_crop_note(found, measured, (rows, columns)))
    if coils > 1:
        notes.append("coil sensitivities estimated from the fully sampled centre (ESPIRiT)")
    if count > 1:
        notes.append(f"{count} slices, of which {middle} (the middle one) is taken unless you choose")
    return KSpace(**{**vars(found), "notes": tuple(notes)})


def picture(kspace: np.ndarray) -> np.ndarray:
    """``log(1 + 1000 |k| / max |k|)``, |k| the root sum of squares over coils, float32 ``[rows, columns]``."""
    return np.log1p(1e3 * _size(kspace)).astype(np.float32)


def _size(kspace: np.ndarray) -> np.ndarray:
    """Root sum of squares over coils ``[rows, columns]``, of its largest: no square leaves the range of numbers."""
    parts = np.abs(kspace)
    parts = parts / max(float(parts.max()), np.finfo(np.float32).tiny)
    size = np.linalg.norm(parts, axis=0)
    return size / max(float(size.max()), np.finfo(np.float32).tiny)


def _crop_note(found: KSpace, measured: np.ndarray, full: tuple[int, int]) -> str:
    assert found.recon is not None
    kept = found.kept(measured)
    wanted, whole, rest = (f"{rows} x {columns}" for rows, columns in (found.recon, full, kept))
    text = f"the header says that the picture is {wanted}, k-space is {whole}: "
    if kept == full:
        return text + "it cannot be made smaller, because no line is measured from end to end; all of it is kept"
    text += f"the middle {rest} is kept, the rest being {OVERSAMPLED}{full[0]}x{full[1]} keeps all)"
    larger = " and ".join(word for word, n, m in zip(("rows", "columns"), kept, found.recon, strict=True) if n > m)
    return text + (f"; undersampled, the {larger} cannot be made fewer" if larger else "")


def _measured(kspace: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    seen = (kspace != 0).any(axis=0)
    return seen if mask is None else mask if (mask & seen).any() else np.zeros_like(mask)


def _fitted(path: Path, mask: np.ndarray, count: int, rows: int, columns: int) -> np.ndarray:
    """The mask as ``[rows, columns]``, or ``[slices, rows, columns]``."""
    mask = np.asarray(mask) != 0
    if mask.shape != (count, rows, columns):
        mask = mask.squeeze()
    if mask.shape == (rows,) and rows != columns:
        mask = mask[:, None]
    elif mask.shape not in ((rows, columns), (columns,), (count, rows, columns)):
        raise InputError(f"{path}: mask has shape {list(mask.shape)}, but k-space has {[rows, columns]}.")
    return mask if mask.ndim == 3 else np.broadcast_to(mask, (rows, columns)).copy()

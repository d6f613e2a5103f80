"""Any measurement file, told apart by its first bytes."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError

from .formats import Format, format_of
from .guard import existing_file_or_folder
from .measurement import Measurement
from .option_phrases import AXIS_CHOOSES, option
from .options import LoadOptions, given, load_options, names
from .plausible import axes_of, looked_at

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem


def load(path: str | os.PathLike[str], **options: Any) -> Measurement:
    """Look into a file: what it holds, what was assumed, and what is missing. Large data are not read yet.

    The options are those of ``LoadOptions``: ``dataset`` names the sinogram in a file of several arrays, ``angle_axis``
    is the axis along which the angles run, "rows", "columns" or "pages". Raises InputError for files that are missing,
    empty, damaged or of another kind.
    """
    chosen = load_options(options)
    path = existing_file_or_folder(path)
    kind = format_of(path)
    found = dataclasses.replace(kind.load(path, chosen), load_options=given(chosen))
    if found.stored is None:
        return _plausible(found, kind, chosen)
    return dataclasses.replace(found, stored=dataclasses.replace(found.stored, source=found.source({})))


def _plausible(found: Measurement, kind: Format, options: LoadOptions) -> Measurement:
    """The same with the axes swapped where the numbers say so and nobody has chosen, and a note."""
    if found.kind != "parallel-beam":
        return found
    try:
        values = looked_at(found.data)
    except InputError:  # comes again when the slice is used
        return found
    axes = None if values is None else axes_of(values)
    if axes is None or not axes.swapped:
        return found
    slices, rows, bins = found.data.shape
    told = found.angles_deg is not None and rows != bins
    if told or options.angle_axis is not None:
        doubt = f"{axes.evidence}, but those at one angle are constant where the detector sees all: are axes swapped? "
        return dataclasses.replace(found, notes=(*found.notes, f"{doubt}{AXIS_CHOOSES}"))
    turned = dataclasses.replace(options, angle_axis="columns")
    other = dataclasses.replace(kind.load(found.path, turned), load_options=given(turned))
    if other.data.shape != (slices, bins, rows):
        return found
    note = (
        f"{axes.evidence}: the angles must run along the columns, and are taken so. "
        f"{option('angle_axis', 'rows')} if they do not"
    )
    return dataclasses.replace(other, notes=(*other.notes, note))


def read_measurement(path: str | os.PathLike[str], **options: Any) -> Problem:
    """The reconstruction problem in a file: ``load`` and then ``Measurement.problem``.

    The options are those of ``LoadOptions`` and ``ProblemOptions``. Raises InputError for what cannot be read or does
    not fit together.
    """
    loading = {name: options.pop(name) for name in names(LoadOptions) if name in options}
    return load(path, **loading).problem(**options)

"""Any measurement file, told apart by its first bytes."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from .formats import format_of
from .guard import existing_file_or_folder
from .measurement import Measurement
from .options import LoadOptions, given, load_options, names

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
    found = dataclasses.replace(format_of(path).load(path, chosen), load_options=given(chosen))
    if found.stored is None:
        return found
    return dataclasses.replace(found, stored=dataclasses.replace(found.stored, source=found.source({})))


def read_measurement(path: str | os.PathLike[str], **options: Any) -> Problem:
    """The reconstruction problem in a file: ``load`` and then ``Measurement.problem``.

    The options are those of ``LoadOptions`` and ``ProblemOptions``. Raises InputError for what cannot be read or does
    not fit together.
    """
    loading = {name: options.pop(name) for name in names(LoadOptions) if name in options}
    return load(path, **loading).problem(**options)

"""Pages of pictures: measurements of operators that measure pictures (blur, super-resolution, missing pixels...)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.loading import load
from napari_mlpatch.io.precision import check_finite
from napari_mlpatch.io.readers.folder_roles import roles_in

from ..source import Source


class Images(Source):
    """Each page ``[rows, columns]`` is a measurement of its own."""

    def __init__(self, path: Path, options: dict[str, Any]):
        super().__init__(path)
        self._found = load(path, **{"angle_axis": "rows", **options})
        self.count, *shape = self._found.data.shape
        self.shape = tuple(shape)
        self.pieces.keep(self._found.data.sources)
        if path.is_dir():
            self.notes = _left_out(path, options.get("dataset"))
        self.with_gaps(self._found.gap, self._found.places)

    def read(self, start: int, stop: int) -> np.ndarray:
        first, last = self.within(start, stop)
        with reading(self.path, "a stack of pictures"):
            values = self._found.data.block(first, last)
        for k, one in enumerate(values):
            check_finite(one, f"Slice {start + k} of {self.path.name} [row, column]")
        return values


def _left_out(path: Path, dataset: str | None) -> tuple[str, ...]:
    """A note on the pictures of a folder that are no slices, as their names say what a sinogram needs."""
    roles = roles_in(path) if dataset is None else roles_in(path).chosen(dataset)
    fields = [*roles.flat, *roles.dark]
    if not fields:
        return ()
    names = ", ".join(file.name for file in fields[:3]) + (" and more" if len(fields) > 3 else "")
    return (f"no slices are {names}: named like flat or dark fields. Rename them if they are",)

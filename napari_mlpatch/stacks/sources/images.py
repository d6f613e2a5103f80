"""Pages of pictures: measurements of operators that measure pictures (blur, super-resolution, missing pixels...)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.loading import load
from napari_mlpatch.io.precision import check_finite

from ..source import Source


class Images(Source):
    """Each page ``[rows, columns]`` is a measurement of its own."""

    def __init__(self, path: Path, options: dict[str, Any]):
        super().__init__(path)
        self._found = load(path, **{"angle_axis": "rows", **options})
        self.count, *shape = self._found.data.shape
        self.shape = tuple(shape)
        self.pieces.keep(self._found.data.sources)
        self.with_gaps(self._found.gap, self._found.places)

    def read(self, start: int, stop: int) -> np.ndarray:
        first, last = self.within(start, stop)
        with reading(self.path, "a stack of pictures"):
            values = self._found.data.block(first, last)
        for k, one in enumerate(values):
            check_finite(one, f"Slice {start + k} of {self.path.name} [row, column]")
        return values

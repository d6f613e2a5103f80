"""The slices of an MRI scan, each with coil sensitivities and a mask of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.options import problem_options
from napari_mlpatch.io.readers.kspace import KSpace

from ..source import Source


class KSpaceStack(Source):
    """``read`` gives complex64 ``[slices, coils, rows, columns]``; sensitivities are estimated slice by slice."""

    kind = "kspace"

    def __init__(self, found: KSpace, options: dict[str, Any]):
        super().__init__(found.path)
        self._found, self._options = found, problem_options(options)
        self.count = len(found.data)
        self.pieces.keep(found.data.sources)
        with reading(found.path, "k-space"):
            self.shape = found.read(0).shape
        self.notes = found.notes

    def read(self, start: int, stop: int) -> np.ndarray:
        with reading(self.path, "k-space"):
            return np.stack([self._found.read(index) for index in range(start, stop)])

    def problem(self, values: np.ndarray, index: int) -> Problem:
        try:
            return self._found.problem_from(values, index, self._options)
        except InputError as error:
            raise (error if str(error).startswith("Slice") else InputError(f"Slice {index}: {error}")) from None

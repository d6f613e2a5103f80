"""Sinograms of a scan: Data Exchange, NXtomo, TIFF, NPY, MRC, FITS, folders of projections."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mlpatch.io.arrays import check_finite
from napari_mlpatch.io.build.problem import sinograms_of
from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.measurement import Measurement
from napari_mlpatch.io.options import problem_options

from ..care.step import Geometry
from ..source import Source


class SinogramStack(Source):
    """Line integrals of all slices of a measurement, made with the options that a single slice was made with.

    Whether numbers are transmissions, where the file does not say, is asked of the middle slice for all.
    """

    kind = "sinogram"

    def __init__(self, found: Measurement, options: dict[str, Any]):
        super().__init__(found.path)
        notes: list[str] = []
        made = sinograms_of(found, problem_options(options), notes)
        middle = len(found.data) // 2
        if made.fields[0] is None and made.options.log is not False:
            with reading(found.path, "a measurement"):
                values = made.beam.data[middle]
            check_finite(values, f"Slice {middle} of {found.path.name} [row, bin]")
            made = made.with_fields_for(values, notes)
        self._made = made
        self.count, _, bins = made.beam.data.shape
        self.shape = (len(made.used_angles), bins)
        self.unit = found.unit
        self.pitch = made.beam.geometry.get("detector_pitch", 1.0)
        self.notes = (*found.notes, *notes)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self._made.block(start, stop)

    def geometry(self, start: int, stop: int) -> Geometry:
        return Geometry(self._made.used_angles, None, self.pitch, self.unit, start, self.count)

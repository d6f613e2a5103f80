"""Sinograms of a scan: Data Exchange, NXtomo, TIFF, NPY, MRC, FITS, folders of projections."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.arrays import Slices
from napari_mlpatch.io.build.problem import sinograms_of
from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.measurement import Measurement
from napari_mlpatch.io.options import problem_options
from napari_mlpatch.io.precision import check_finite

from ..care.step import Geometry
from ..source import Source


class SinogramStack(Source):
    """Line integrals of all slices of a measurement, made with the options that a single slice was made with.

    Whether numbers are transmissions, where the file does not say, is asked of one slice for all: ``tuned``, on which
    the recipe was made, or else the middle one. Others are asked where it cannot be read.
    """

    kind = "sinogram"

    def __init__(self, found: Measurement, options: dict[str, Any], tuned: int | None = None):
        super().__init__(found.path)
        notes: list[str] = []
        made = sinograms_of(found, problem_options(options), notes)
        stacks = (made.beam.data, *(made.fields if made.take_log else ()))
        self.pieces.keep(source for one in stacks if isinstance(one, Slices) for source in one.sources)
        if made.fields[0] is None and made.options.log is not False:
            made = made.with_fields_for(_asked(made.beam, tuned), notes)
        self._made = made
        self.count, _, bins = made.beam.data.shape
        self.shape = (len(made.used_angles), bins)
        self.unit = found.unit
        self.pitch = made.beam.geometry.get("detector_pitch", 1.0)
        self.measured = dict(made.beam.geometry)
        self.notes = (*found.notes, *notes)
        self.with_gaps(found.gap, found.places)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self._made.block(*self.within(start, stop))

    def geometry(self, start: int, stop: int) -> Geometry:
        return Geometry(self._made.used_angles, None, self.pitch, self.unit, start, self.count)


def _asked(beam: Measurement, tuned: int | None) -> np.ndarray:
    """The numbers of the first slice that can be used. Raises InputError, that of the first one, where none can."""
    count = len(beam.data)
    wanted = (tuned, count // 2, count // 4, 3 * count // 4, 0)
    refused: InputError | None = None
    for index in dict.fromkeys(index for index in wanted if index is not None and 0 <= index < count):
        try:
            with reading(beam.path, "a measurement"):
                values = beam.data[index]
            check_finite(values, f"Slice {index} of {beam.path.name} [row, bin]")
            return values
        except InputError as error:
            refused = refused or error
    assert refused is not None
    raise refused

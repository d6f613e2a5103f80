"""TIFF: one sinogram, or a stack of sinograms or projections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from .named import measurement_from


def load_tiff(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram ``[angles, bins]`` or a stack ``[pages, rows, columns]``, of which only the pages used are read."""
    if options.dataset is not None:
        raise InputError(f"{path} is a TIFF file and has no named arrays: leave out dataset ({options.dataset!r}).")
    return measurement_from(path, {"image": stored_tiff(path)}, options)


def stored_tiff(path: Path) -> Stored:
    """The first image series of a TIFF file. Raises InputError."""
    with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
        if not file.series:
            raise InputError(f"{path} is a TIFF file without an image.")
        series = file.series[0]
        dtype, shape = series.dtype, tuple(series.shape)
        while len(shape) > 2 and 1 in shape:  # channels, times and samples of which there is but one
            shape = shape[: shape.index(1)] + shape[shape.index(1) + 1 :]
        if dtype is None or dtype.kind not in "biuf":
            raise InputError(f"{path} holds {dtype}, not real numbers.")
        check_claim(path, "its image", shape, dtype.itemsize)
        pages = len(series.pages)

    def read(index: Any) -> np.ndarray:
        with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
            series = file.series[0]
            if len(shape) == 3 and pages == shape[0] and index != ():
                if isinstance(index, int):
                    return np.asarray(series.asarray(key=index)).reshape(shape[1:])
                return np.stack([page.asarray().reshape(shape[1:])[index[1]] for page in series.pages if page])
            return np.asarray(series.asarray()).reshape(shape)[index]

    return Stored(shape, read, dtype.kind in "iu")

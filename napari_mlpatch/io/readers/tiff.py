"""TIFF: one sinogram, or a stack of sinograms or projections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from .calibration import of_imagej, shown_otherwise
from .named import measurement_from
from .tiff_colours import grey, no_other_colours
from .tiff_layout import largest, layout_of
from .tiff_whole import ends_well, no_gaps


@dataclass(frozen=True)
class Tiff:
    """The image of a TIFF file, not read yet; whether its last axis are colours; and what is to be known about it."""

    stored: Stored
    colour: bool
    notes: tuple[str, ...]
    planar: bool = False
    real: bool = False
    """Whether its numbers are floating-point ones, which no camera writes."""


def load_tiff(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram ``[angles, bins]`` or a stack ``[pages, rows, columns]``, of which only the pages used are read.

    Pages that were appended as images of their own are a stack, so are the times, channels and depths of a
    hyperstack. Colours that are all alike are read as grey, others refused.
    """
    if options.dataset is not None:
        raise InputError(f"{path} is a TIFF file and has no named arrays: leave out dataset ({options.dataset!r}).")
    tiff = open_tiff(path)
    stored, notes = tiff.stored, tiff.notes
    if tiff.colour:
        stored, note = _one_channel(path, tiff)
        notes = (*notes, note)
    found = measurement_from(path, {"image": stored}, options)
    return dataclasses.replace(found, notes=(*notes, *found.notes))


def _one_channel(path: Path, tiff: Tiff) -> tuple[Stored, str]:
    """Of colours that are all alike, one. Planes of floating-point numbers that are not are slices, if nothing else is
    in the file, for tifffile calls any stack of three or four planar colours.
    """
    try:
        return grey(path, tiff.stored, tiff.planar), "a colour picture whose channels are all alike: one is taken"
    except InputError:
        if not tiff.planar or not tiff.real or len(tiff.stored.shape) != 3:
            raise
    count, stored = tiff.stored.shape[-1], tiff.stored

    def read(index: Any) -> np.ndarray:
        return np.moveaxis(stored.read(()), -1, 0)[index]

    note = (
        f"the file calls its {count} planes colours; as they are floating-point numbers and differ, they are taken as "
        "slices. If they are colours, load it as an image to simulate a measurement from"
    )
    return Stored((count, *stored.shape[:-1]), read, stored.is_integer), note


def stored_tiff(path: Path) -> Stored:
    """The image of a TIFF file. Raises InputError."""
    return open_tiff(path).stored


def open_tiff(path: Path) -> Tiff:
    """The image of a TIFF file, without axes of length one, in calibrated values. Raises InputError."""
    with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
        if not file.series:
            raise InputError(f"{path} is a TIFF file without an image.")
        ends_well(path, file)
        series = largest(file.series)
        no_gaps(path, series)
        page, dtype = series[0].keyframe, series[0].dtype
        layout = layout_of(series)
        no_other_colours(path, page, layout.colour)
        calibration, why = of_imagej(file.imagej_metadata, dtype)
        notes = [why, _others(file.series, series), *shown_otherwise(page), layout.note]
        if dtype is None or dtype.kind not in "biuf":
            raise InputError(f"{path} holds {dtype}, not real numbers.")
        check_claim(path, "its image", layout.shape, dtype.itemsize)
        bits = page.bitspersample if isinstance(page.bitspersample, int) else 0
    whole = dtype.kind in "iu" and calibration.whole
    kept = {
        "itemsize": dtype.itemsize if whole else 8,
        "bits": bits if dtype.kind != "f" and calibration.whole else 0,
    }
    colour, planar, shape = layout.colour, layout.colours not in (None, -1), layout.shape

    def read(index: Any) -> np.ndarray:
        return layout.read(path, calibration, index)

    stored = Stored(shape, read, whole, ranges=not colour, pieces=layout.pieces, **kept)
    if colour and shape[-1] == 2:
        every = stored
        stored = Stored(shape[:-1], lambda index: every.read(index)[..., 0], whole, **kept)
        colour = planar = False
        notes.append("transparency ignored")
    return Tiff(stored, colour, tuple(note for note in notes if note), planar, dtype.kind == "f")


def _others(every: list[Any], taken: list[Any]) -> str:
    if len(taken) == len(every):
        return f"{len(taken)} images of equal size, one after the other in the file, read as a stack" * (len(taken) > 1)
    shapes = ", ".join(str(list(s.shape)) for s in [s for s in every if s not in taken][:5])
    at = next(k for k, each in enumerate(every) if each is taken[0])
    which = "the first" if at == 0 else f"number {at + 1}, the largest,"
    which = which if len(taken) == 1 else f"the {len(taken)} largest"
    return f"{which} of {len(every)} images; not read are those of {shapes}"

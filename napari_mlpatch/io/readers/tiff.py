"""TIFF: one sinogram, or a stack of sinograms or projections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from .calibration import Calibration, of_imagej
from .named import measurement_from

COLOURS = (3, 4)


@dataclass(frozen=True)
class Tiff:
    """The image of a TIFF file, not read yet; whether its last axis are colours; and what is to be known about it."""

    stored: Stored
    colour: bool
    notes: tuple[str, ...]


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
        stored, notes = grey(path, stored), (*notes, "a colour picture whose channels are all alike: one is taken")
    found = measurement_from(path, {"image": stored}, options)
    return dataclasses.replace(found, notes=(*notes, *found.notes))


def stored_tiff(path: Path) -> Stored:
    """The image of a TIFF file. Raises InputError."""
    return open_tiff(path).stored


def open_tiff(path: Path) -> Tiff:
    """The image of a TIFF file, without axes of length one, in calibrated values. Raises InputError."""
    with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
        if not file.series:
            raise InputError(f"{path} is a TIFF file without an image.")
        first, together = file.series[0], _alike(file.series)
        dtype, axes = first.dtype, first.axes
        shape = tuple(first.shape)
        colour = len(shape) > 2 and axes[-1:] == "S" and shape[-1] in COLOURS
        calibration, why = of_imagej(file.imagej_metadata, dtype)
        notes = [note for note in (why, _others(file.series, together)) if note]
        if together:
            shape, axes = (len(file.series), *shape), "I" + axes
        if dtype is None or dtype.kind not in "biuf":
            raise InputError(f"{path} holds {dtype}, not real numbers.")
        kept = list(range(len(shape)))
        while len(kept) > 2 + colour and any(shape[k] == 1 for k in kept):  # channels, times, of which there is but one
            kept.remove(next(k for k in kept if shape[k] == 1))
        shape, axes = tuple(shape[k] for k in kept), "".join(axes[k] for k in kept)
        check_claim(path, "its image", shape, dtype.itemsize)
        deep = len(shape) - colour
        if deep > 3:
            merged = " x ".join(f"{n} ({axis})" for n, axis in zip(shape[: deep - 2], axes, strict=False))
            shape = (int(np.prod(shape[: deep - 2])), *shape[deep - 2 :])
            notes.append(f"{merged} pages of {shape[1]} x {shape[2]}, read as one stack of {shape[0]}")
        pages = sum(len(series.pages) for series in (file.series if together else [first]))
    plane = shape[-2 - colour :]
    by_page = len(shape) == 3 + colour and pages == shape[0]

    def read(index: Any) -> np.ndarray:
        with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
            chosen = [page for series in (file.series if together else file.series[:1]) for page in series.pages]
            if by_page and index != () and None not in chosen:
                if isinstance(index, int):
                    return _values(path, chosen[index], calibration).reshape(plane)
                return np.stack([_values(path, page, calibration).reshape(plane)[index[1]] for page in chosen])
            if together or _needs_pillow(chosen[0]):
                return np.stack([_values(path, page, calibration) for page in chosen]).reshape(shape)[index]
            return calibration(np.asarray(file.series[0].asarray()).reshape(shape)[index])

    whole = dtype.kind in "iu" and calibration.whole
    return Tiff(Stored(shape, read, whole), colour, tuple(notes))


def _alike(series: list[Any]) -> bool:
    """Whether several images in a file make one stack."""
    return len(series) > 1 and len({(s.shape, s.dtype) for s in series}) == 1


def _others(series: list[Any], together: bool) -> str:
    if together:
        return f"{len(series)} images of equal size, one after the other in the file, read as a stack"
    shapes = ", ".join(str(list(s.shape)) for s in series[1:6])
    return f"the first of {len(series)} images; not read are those of {shapes}" if len(series) > 1 else ""


def _values(path: Path, page: Any, calibration: Calibration) -> np.ndarray:
    """One page. What tifffile cannot decompress alone, Pillow may."""
    if not _needs_pillow(page):
        return calibration(np.asarray(page.asarray()))
    name = getattr(page.compression, "name", page.compression)
    missing = InputError(
        f"{path} is compressed by {name}, which needs the package imagecodecs: pip install imagecodecs. "
        "Or save it uncompressed."
    )
    try:
        with Image.open(path, formats=["TIFF"]) as picture:
            picture.seek(page.index)
            found = np.asarray(picture)
    except Exception as error:
        raise missing from error
    values = found.astype(page.dtype)
    exact = page.dtype.itemsize >= found.dtype.itemsize or np.array_equal(values, found)
    if found.shape != tuple(n for n in page.shape if n > 1 or found.ndim == len(page.shape)) or not exact:
        raise missing
    return calibration(values)


def _needs_pillow(page: Any) -> bool:
    """Whether tifffile would need imagecodecs, which is not installed."""
    try:
        page.keyframe.decode(None, 0)
    except ValueError as error:
        return "imagecodecs" in str(error)
    except Exception:  # of a damaged page: comes again as it is read
        return False
    return False


def grey(path: Path, stored: Stored) -> Stored:
    """One of the colours, where all are alike. Raises InputError where they are not."""

    def read(index: Any) -> np.ndarray:
        values = stored.read(index)
        if not (values[..., :1] == values[..., :3]).all():
            raise InputError(
                f"{path} is a colour picture. A measurement has one value for each bin: save it as grey, or load it "
                "as an image to simulate a measurement from."
            )
        return values[..., 0]

    read(() if len(stored.shape) == 3 else 0)
    return Stored(stored.shape[:-1], read, stored.is_integer)

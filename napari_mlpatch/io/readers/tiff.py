"""TIFF: one sinogram, or a stack of sinograms or projections."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from PIL import Image

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions
from .calibration import Calibration, of_imagej, shown_otherwise
from .named import measurement_from

COLOURS = (3, 4)
OPACITY = (1, 2)
"""What the tag ExtraSamples calls transparency."""
OTHER_COLOURS = {5: "CMYK", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}
JPEG = (6, 7, 34892)
"""Compressions that are undone into red, green and blue."""
ORDER: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


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
        _ends_well(path, file)
        series = largest(file.series)
        first, together = series[0], len(series) > 1
        dtype, axes = first.dtype, first.axes
        shape = tuple(first.shape)
        at = _samples(first)
        colour = at is not None
        _no_other_colours(path, first.keyframe, colour)
        planar = colour and at != -1
        calibration, why = of_imagej(file.imagej_metadata, dtype)
        notes = [note for note in (why, _others(file.series, series), *shown_otherwise(first.keyframe)) if note]
        _no_gaps(path, series)
        if together:
            shape, axes = (len(series), *shape), "I" + axes
        unmoved = shape
        if at is not None:
            shape, axes = _last(shape, at), "".join(_last(tuple(axes), at))
        if dtype is None or dtype.kind not in "biuf":
            raise InputError(f"{path} holds {dtype}, not real numbers.")
        kept = list(range(len(shape)))
        while len(kept) > 2 + colour and any(shape[k] == 1 for k in kept):  # channels, times, of which there is but one
            kept.remove(next(k for k in kept if shape[k] == 1))
        shape, axes = tuple(shape[k] for k in kept), "".join(axes[k] for k in kept)
        check_claim(path, "its image", shape, dtype.itemsize)
        bits = first.keyframe.bitspersample if isinstance(first.keyframe.bitspersample, int) else 0
        deep = len(shape) - colour
        if deep > 3:
            merged = " x ".join(f"{n} ({axis})" for n, axis in zip(shape[: deep - 2], axes, strict=False))
            shape = (int(np.prod(shape[: deep - 2])), *shape[deep - 2 :])
            notes.append(f"{merged} pages of {shape[1]} x {shape[2]}, read as one stack of {shape[0]}")
        pages = sum(len(each.pages) for each in series)
        in_parts = not colour and not together and all(page.keyframe.is_memmappable for page in first.pages[:1])
    plane = shape[-2 - colour :]
    by_page = len(shape) == 3 + colour and pages == shape[0]
    single = len(shape) == 2 and pages == 1 and in_parts
    several = colour  # values of a pixel in the file, also where one of them is returned

    def colours_last(values: np.ndarray) -> np.ndarray:
        return values if at is None else np.moveaxis(values, at, -1)

    def read(index: Any) -> np.ndarray:
        with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
            series = largest(file.series)
            chosen = [page for each in series for page in each.pages]
            if by_page and index != ():
                first, *rest = index if isinstance(index, tuple) else (index,)
                part = tuple(rest)

                def one(page: Any) -> np.ndarray:
                    if part and not several and page.keyframe.is_memmappable:
                        return _part(path, page, calibration, plane, part)
                    return colours_last(_values(path, page, calibration)).reshape(plane)[part]

                alone = isinstance(first, int | np.integer)
                return one(chosen[first]) if alone else np.stack([one(page) for page in chosen[first]])
            if single and index != ():
                return _part(path, chosen[0], calibration, plane, index if isinstance(index, tuple) else (index,))
            if together or _needs_pillow(chosen[0]):
                values = np.stack([_values(path, page, calibration) for page in chosen])
                return colours_last(values.reshape(unmoved)).reshape(shape)[index]
            for page in chosen:
                _no_holes(path, page)
            values = np.asarray(series[0].asarray()).reshape(unmoved)
            return calibration(colours_last(values).reshape(shape)[index])

    whole = dtype.kind in "iu" and calibration.whole
    pieces = () if in_parts and (by_page or single) else (1, *shape[1:]) if by_page else shape
    size = dtype.itemsize if whole else 8
    bits = bits if dtype.kind != "f" and calibration.whole else 0
    stored = Stored(shape, read, whole, ranges=not colour, pieces=pieces, itemsize=size, bits=bits)
    if colour and shape[-1] == 2:
        opaque = Stored(shape[:-1], lambda index: read(index)[..., 0], whole, itemsize=size, bits=bits)
        stored, colour, planar = opaque, False, False
        notes.append("transparency ignored")
    return Tiff(stored, colour, tuple(notes), planar, dtype.kind == "f")


def largest(series: list[Any]) -> list[Any]:
    """The largest image of a file, be it not the first (a thumbnail), and those equal to it: they make one stack."""
    main = max(series, key=lambda each: each.size)
    return [each for each in series if (each.shape, each.dtype) == (main.shape, main.dtype)]


def _samples(series: Any) -> int | None:
    """The axis of colours counted from the end: -1 interleaved, -3 in planes; None of grey images."""
    axes = series.axes if "S" in series.axes else series.keyframe.axes
    at = axes.rfind("S") - len(axes)
    if "S" not in axes or not 2 < len(series.shape) >= -at:
        return None
    extra = np.ravel(series.keyframe.tags.valueof(338, ()))
    transparent = series.shape[at] == 2 and extra.size == 1 and extra[0] in OPACITY
    return at if series.shape[at] in COLOURS or transparent else None


def _no_other_colours(path: Path, page: Any, colour: bool) -> None:
    """Refuse colours whose numbers are no amounts of red, green and blue."""
    name = OTHER_COLOURS.get(int(page.tags.valueof(262, 1)))
    if colour and name is not None and not (name == "YCbCr" and int(page.compression) in JPEG):
        raise InputError(f"{path} is a colour picture in {name}. Save it in red, green and blue, or as grey.")


def _last(values: tuple[Any, ...], at: int) -> tuple[Any, ...]:
    at += len(values)
    return (*values[:at], *values[at + 1 :], values[at])


def _others(every: list[Any], taken: list[Any]) -> str:
    if len(taken) == len(every):
        return f"{len(taken)} images of equal size, one after the other in the file, read as a stack" * (len(taken) > 1)
    shapes = ", ".join(str(list(s.shape)) for s in [s for s in every if s not in taken][:5])
    at = next(k for k, each in enumerate(every) if each is taken[0])
    which = "the first" if at == 0 else f"number {at + 1}, the largest,"
    which = which if len(taken) == 1 else f"the {len(taken)} largest"
    return f"{which} of {len(every)} images; not read are those of {shapes}"


def _ends_well(path: Path, file: tifffile.TiffFile) -> None:
    """Refuse a list of pages that breaks off: each page says where the next one is, so that all after it are lost."""
    count, form, offset = len(file.pages), file.tiff, file.pages[-1].offset  # type: ignore[union-attr]
    stream = file.filehandle
    stream.seek(offset)
    tags = int.from_bytes(stream.read(form.tagnosize), ORDER[form.byteorder])
    stream.seek(offset + form.tagnosize + tags * form.tagsize)
    following = int.from_bytes(stream.read(form.offsetsize), ORDER[form.byteorder])
    if tags == 0 or following != 0:
        good = count - (tags == 0)
        raise InputError(
            f"{path}: the list of its pages is damaged after page {good - 1} (counted from 0), so that what comes "
            "after that cannot be found. Get the file again, or the pages from where they were taken."
        )


def _no_gaps(path: Path, series: list[Any]) -> None:
    """Refuse frames that the metadata counts and the file does not hold: they would be read as zeros."""
    pages = [page for each in series for page in each.pages]
    gone = [k for k, page in enumerate(pages) if page is None]
    if gone:
        raise InputError(
            f"{path}: {len(gone)} of {len(pages)} frames are missing ({_listed(gone)}, counted from 0): its metadata "
            "count them, but they are not in the file, nor in a file beside it. Get the whole file or set of files."
        )


def _no_holes(path: Path, page: Any) -> None:
    """Refuse strips or tiles without bytes: they would be read as zeros."""
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    gone = [k for k, (offset, count) in enumerate(parts) if offset == 0 or count == 0]
    gone += range(len(parts), math.prod(page.chunked))
    if gone:
        what = "tiles" if page.is_tiled else "strips"
        raise InputError(
            f"{path}: {len(gone)} of {max(len(parts), math.prod(page.chunked))} {what} of frame {page.index} are "
            f"missing ({_listed(gone)}, counted from 0): they have no bytes in the file. It was not written to the "
            "end, or its writer left them out. Get it again, or save it whole."
        )


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")


def _values(path: Path, page: Any, calibration: Calibration) -> np.ndarray:
    """One page. What tifffile cannot decompress alone, Pillow may."""
    _no_holes(path, page)
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


def _part(path: Path, page: Any, calibration: Calibration, plane: tuple[int, ...], part: tuple) -> np.ndarray:
    """Some rows of a page that lies in the file as it is, without reading the others."""
    _no_holes(path, page)
    kind = np.dtype(page.parent.byteorder + page.dtype.char)
    values = np.memmap(path, kind, "r", page.dataoffsets[0], tuple(page.shape))
    return calibration(np.array(values.reshape(plane)[part]).astype(page.dtype, copy=False))


def _needs_pillow(page: Any) -> bool:
    """Whether tifffile would need imagecodecs, which is not installed."""
    try:
        page.keyframe.decode(None, 0)
    except ValueError as error:
        return "imagecodecs" in str(error)
    except Exception:  # of a damaged page: comes again as it is read
        return False
    return False


def grey(path: Path, stored: Stored, planar: bool = False) -> Stored:
    """One of the colours, where all are alike. Raises InputError where they are not."""

    def read(index: Any) -> np.ndarray:
        values = stored.read(index)
        if not (values[..., :1] == values[..., :3]).all():
            raise InputError(
                f"{path} is a colour picture. A measurement has one value for each bin: save it as grey, or load it "
                "as an image to simulate a measurement from."
                + " If its planes are slices, write them again with photometric='minisblack'."
                * planar
            )
        return values[..., 0]

    read(() if len(stored.shape) == 3 else 0)
    return Stored(stored.shape[:-1], read, stored.is_integer, itemsize=stored.itemsize, bits=stored.bits)

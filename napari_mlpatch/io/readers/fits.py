"""FITS: sinograms and stacks of them, images, and a door to the shear of weak lensing."""

from __future__ import annotations

import gzip
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of, reserve
from napari_mlpatch.core.errors import InputError

from ..arrays import LARGEST_ITEM, Stored
from ..guard import check_claim, reading
from ..measurement import Measurement
from ..option_phrases import naming
from ..options import LoadOptions
from .named import measurement_from

GZIP = b"\x1f\x8b"
START = b"SIMPLE  ="


@dataclass(frozen=True)
class Image:
    """An image of a file, not read yet, without axes of length one."""

    name: str
    stored: Stored
    header: Any


@dataclass(frozen=True)
class Contents:
    """The images of a file, and the columns of numbers of its first table with their units."""

    images: list[Image] = field(default_factory=list)
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    has_table: bool = False


def is_fits(path: Path, head: bytes) -> bool:
    """Whether a file is FITS, or FITS packed with gzip."""
    if not head.startswith(GZIP):
        return head.startswith(START)
    try:
        with gzip.open(path) as file:
            return file.read(len(START)) == START
    except (OSError, EOFError, zlib.error):
        return False


def _is_gzip(path: Path) -> bool:
    """Whether it is packed as a whole, so that nothing of it is read without all that comes before."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def load_fits(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram ``[angles, bins]``, a stack of them or of projections, or shear (see ``shear``).

    Shear are two planes of numbers of both signs, or on the sky, or named so; a plane with its sister beside it; a
    table with its columns. ``content`` says it where the file does not. Angles may be a column of a table.
    """
    from . import shear

    contents = contents_of(path)
    if options.content == "shear" and (options.dataset is not None or options.angle_axis is not None):
        raise InputError(
            f"{path}: of shear there is no dataset and {naming('no {angle_axis}')} to choose. Leave them out."
        )
    chosen = options.content or ("sinogram" if options.dataset is not None or options.angle_axis is not None else None)
    if chosen is None:
        chosen = "shear" if shear.is_shear(path, contents) else "sinogram"
    if chosen == "shear":
        return shear.load_shear(path, contents, options)
    if not contents.images:
        raise InputError(f"{path} holds no image: no sinogram [angles, bins] and no two planes of shear.")
    arrays = {image.name: image.stored for image in contents.images}
    arrays |= {
        name: replace(Stored.of(values), attribute={"units": contents.units.get(name) or None}.get)
        for name, values in contents.columns.items()
        if name not in arrays
    }
    return measurement_from(path, arrays, options)


def fits_image(path: Path) -> np.ndarray:
    """The only image of a FITS file, of any number of axes. Raises InputError."""
    images = contents_of(path).images
    if len(images) != 1:
        raise InputError(f"{path} holds {len(images)} images. One is needed.")
    return images[0].stored.read(())


def fits_notes(path: Path, name: str) -> str:
    """The text in the table of bytes of that name; empty where there is none. Raises InputError."""
    from astropy.io import fits

    with _complete(path), fits.open(path, memmap=False, lazy_load_hdus=True) as file:
        for any_hdu in file:
            hdu: Any = any_hdu
            if hdu.name == name and "TFIELDS" in hdu.header:
                check_claim(path, f"its part {name}", (int(hdu.header["NAXIS1"]), int(hdu.header["NAXIS2"])), 1)
                return np.asarray(hdu.data.field(0)).astype(np.uint8).tobytes().decode("utf-8", "replace")
    return ""


def contents_of(path: Path) -> Contents:
    """What a FITS file holds. Pixels are scaled by BSCALE and BZERO; BLANK becomes NaN. Raises InputError."""
    from astropy.io import fits  # takes a second to load

    found = Contents()
    has_table = False
    with _complete(path), fits.open(path, memmap=False, lazy_load_hdus=True) as file:
        for number, any_hdu in enumerate(file):
            hdu: Any = any_hdu
            header = hdu.header
            shape = tuple(int(header[f"NAXIS{i}"]) for i in range(int(header.get("NAXIS", 0)), 0, -1))
            if not shape or 0 in shape:
                continue
            check_claim(path, f"its part {hdu.name or 'PRIMARY'}", shape, abs(int(header["BITPIX"])) // 8)
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and not isinstance(hdu, fits.CompImageHDU):
                if not has_table:
                    _columns(hdu, found)
                has_table = True
            elif hdu.is_image:
                found.images.append(_image(path, number, hdu, [image.name for image in found.images]))
    return Contents(found.images, found.columns, found.units, has_table)


@contextmanager
def _complete(path: Path) -> Iterator[None]:
    """Errors of the library as InputError, among them its mere warnings that a file is cut off."""
    with reading(path, "FITS"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        yield


def _columns(hdu: Any, found: Contents) -> None:
    for name in hdu.columns.names:
        values = np.asarray(hdu.data[name])
        if values.dtype.kind in "iufb":
            values = _without_nulls(values, hdu.columns[name])
            found.columns[name] = values
            found.units[name] = str(hdu.columns[name].unit or "")


def _without_nulls(values: np.ndarray, column: Any) -> np.ndarray:
    """TNULL, the stored number that stands for none, becomes NaN."""
    if column.null in (None, "") or not str(column.null).lstrip("+-").isdigit():
        return values
    null = int(column.null) * (column.bscale or 1) + (column.bzero or 0)
    return np.where(values == null, np.nan, values) if (values == null).any() else values


def _image(path: Path, number: int, hdu: Any, taken: list[str]) -> Image:
    from astropy.io import fits

    shape = tuple(int(n) for n in hdu.shape)
    header = hdu.header
    scaled = float(header.get("BSCALE", 1)) != 1 or float(header.get("BZERO", 0)) % 1 != 0 or "BLANK" in header
    tiles = tuple(int(n) for n in hdu.tile_shape) if isinstance(hdu, fits.CompImageHDU) else ()
    packed = _is_gzip(path)
    name = str(hdu.name or "image")
    name = "image" if name == "PRIMARY" else name

    # As whole numbers, the library has no NaN for BLANK, and refuses signed bytes with BZERO written as -128.0.
    whole = "BLANK" not in header and int(header["BITPIX"]) != 8

    itemsize = LARGEST_ITEM if scaled else abs(int(header["BITPIX"])) // 8
    whole_bytes = bytes_of(shape, itemsize)

    def read(index: Any) -> np.ndarray:
        if packed:
            reserve(whole_bytes, f"{path}, which is packed as a whole,", "Unpack it with gunzip, and open that file.")
        memmap = None if tiles and not packed else False  # else all tiles are read for one of them; True is too strict
        with _complete(path), fits.open(path, memmap=memmap, lazy_load_hdus=True, uint=whole) as file:
            part: Any = file[number]
            return np.array(part.data[index] if packed or index == () else part.section[index])

    stored = Stored(
        shape,
        read,
        int(header["BITPIX"]) > 0 and not scaled,
        ranges=True,
        pieces=shape if packed else tiles,
        itemsize=itemsize,
    )
    return Image(name if name not in taken else f"{name}_{number}", squeezed(stored), header)


def squeezed(stored: Stored) -> Stored:
    """The same without axes of length one, while more than two are left: FITS writes polarisations, frequencies."""
    kept = list(range(len(stored.shape)))
    while len(kept) > 2 and any(stored.shape[k] == 1 for k in kept):
        kept.remove(next(k for k in kept if stored.shape[k] == 1))
    if len(kept) == len(stored.shape):
        return stored

    def read(index: Any) -> np.ndarray:
        parts = iter(index if isinstance(index, tuple) else (index,))
        return stored.read(tuple(next(parts, slice(None)) if k in kept else 0 for k in range(len(stored.shape))))

    def of(sizes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sizes[k] for k in kept) if sizes else ()

    return replace(stored, shape=of(stored.shape), read=read, pieces=of(stored.pieces))

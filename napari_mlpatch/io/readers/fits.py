"""FITS: shear maps of weak lensing, catalogues of sheared galaxies, and images."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import torch

from ..arrays import Slices, check_finite
from ..guard import check_claim, existing_file, reading
from ..measurement import Measurement
from ..options import LoadOptions

GALAXIES = 4.0  # for each pixel of a map that is made from a catalogue
SIZES = (8, 2048)
FIRST, SECOND = (tuple(f"{word}{number}" for word in ("gamma", "g", "e", "shear")) for number in (1, 2))
ROWS, COLUMNS = ("dec", "decl", "declination", "delta", "y"), ("ra", "rightascension", "alpha", "x")
NUMBER = re.compile(r"((?:gamma|shear|g|e)_?)([12])(?![0-9])", re.IGNORECASE)


def load_fits(path: Path, options: LoadOptions) -> Measurement:
    """The shear ``gamma1 + i gamma2`` in a FITS file, as a complete problem of ``KaiserSquires``.

    Two planes in one array or in two; or one plane, the other being in the file beside it whose name has a 2 in the
    place of the 1 (``cosmos_g1.fits``, ``cosmos_g2.fits``); or a table of galaxies with columns gamma1 and gamma2 (or
    g1, e1) and positions ra and dec in degrees (or x and y), of which pixels hold the mean. Where both components are
    exactly zero, nothing was measured. Raises InputError for anything else and for NaN and infinite values.
    """
    if options.dataset is not None or options.angle_axis is not None:
        raise InputError(f"{path} is a FITS file, of which shear is read: leave out dataset and angle_axis.")
    images, table, pixel = _contents(path)
    notes: list[str] = []
    if len(images) == 1 and images[0].ndim == 3 and 2 in (images[0].shape[0], images[0].shape[-1]):
        images = list(images[0]) if images[0].shape[0] == 2 else list(np.moveaxis(images[0], -1, 0))
        notes.append("gamma1 and gamma2 are the planes of one array")
    elif len(images) == 1 and images[0].ndim == 2:
        first, second = _pair(path)
        images = [_plane(first), _plane(second)]
        notes.append(f"gamma1 from {first.name}, gamma2 from {second.name}")
    elif not images and table is not None:
        images, pixel, note = _binned(path, table)
        notes.append(note)
    if len(images) != 2 or images[0].shape != images[1].shape or images[0].ndim != 2:
        seen = ", ".join(str(list(image.shape)) for image in images) or "no image"
        raise InputError(f"{path} holds {seen}. A shear map is two planes of equal size, or a table of galaxies.")
    return _measurement(path, images, pixel, notes)


def fits_image(path: Path) -> np.ndarray:
    """The only image of a FITS file, of any number of axes. Raises InputError."""
    images, _, _ = _contents(path)
    if len(images) != 1:
        raise InputError(f"{path} holds {len(images)} images. One is needed.")
    return images[0]


def _measurement(path: Path, planes: list[np.ndarray], pixel: float | None, notes: list[str]) -> Measurement:
    from napari_mlpatch.core.problem import Problem

    for name, plane in zip(("gamma1", "gamma2"), planes, strict=True):
        check_finite(plane, f"{name} of {path.name}")
    shear = (planes[0] + 1j * planes[1]).astype(np.complex64)
    rows, columns = shear.shape
    params: dict[str, Any] = {"image_shape": (rows, columns)}
    if pixel is not None:
        params["pixel_size_arcmin"] = pixel
    measured = shear != 0
    if not measured.any():
        raise InputError(f"{path} holds no shear: all of it is zero.")
    if not measured.all():
        params |= {"mask": "custom", "mask_values": measured}
        notes.append(f"{measured.mean():.0%} of the pixels hold shear; the others, exactly zero, count as not measured")
    notes.append("pixel size not stated" if pixel is None else f"pixels of {pixel:.4g} arcmin")
    A = build(operators, {"name": "kaiser-squires", "params": params})
    source = {"kind": "file", "path": str(path), "options": {}}
    strength = np.abs(shear)
    return Measurement(
        data=Slices((1, rows, columns), lambda i: strength),
        path=path,
        kind=A.name,
        notes=(f"{A.title}, {rows} x {columns} pixels", *notes),
        stored=Problem(A, torch.from_numpy(shear), source=source),
    )


def _contents(path: Path) -> tuple[list[np.ndarray], dict[str, np.ndarray] | None, float | None]:
    """Images (float64, without axes of length one), the first table's columns, and the pixels' size in arcmin."""
    from astropy.io import fits  # takes a second to load

    images, table, pixel = [], None, None
    with reading(path, "FITS"), fits.open(path, memmap=False, lazy_load_hdus=True) as file:
        hdu: Any
        for hdu in file:
            header = hdu.header
            shape = tuple(int(header[f"NAXIS{i}"]) for i in range(int(header.get("NAXIS", 0)), 0, -1))
            if not shape or 0 in shape:
                continue
            check_claim(path, f"its part {hdu.name or 'PRIMARY'}", shape, abs(int(header["BITPIX"])) // 8)
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and not isinstance(hdu, fits.CompImageHDU):
                if table is None:
                    names: list[str] = hdu.columns.names  # type: ignore[assignment]
                    columns = {name.lower(): np.asarray(hdu.data[name]) for name in names}
                    table = {name: values for name, values in columns.items() if values.dtype.kind in "iuf"}
            elif hdu.is_image:
                images.append(np.asarray(hdu.data, float).squeeze())
                pixel = pixel or _pixel_size(header)
    return images, table, pixel


def _pixel_size(header: Any) -> float | None:
    """Side of a pixel in arcmin, where the header has degrees for each pixel."""
    for key in ("CD2_2", "CDELT2"):
        degrees = abs(float(header.get(key, 0.0)))
        if key in header and str(header.get("CUNIT2", "deg")).strip() == "deg" and 0 < degrees < 1:
            return 60.0 * degrees
    return None


def _pair(path: Path) -> tuple[Path, Path]:
    """The files of gamma1 and gamma2, of which ``path`` is one."""
    found = list(NUMBER.finditer(path.stem))
    for match in reversed(found):
        names = (path.stem[: match.start(2)] + number + path.stem[match.end(2) :] for number in "12")
        first, second = (path.with_name(name + path.suffix) for name in names)
        if first.is_file() and second.is_file():
            return first, second
    raise InputError(
        f"{path} holds one plane. A shear map is two: name them alike with g1 and g2, such as map_g1.fits and "
        "map_g2.fits, in one folder, or put both into one file."
    )


def _plane(path: Path) -> np.ndarray:
    return fits_image(existing_file(path))


def _binned(path: Path, table: dict[str, np.ndarray]) -> tuple[list[np.ndarray], float | None, str]:
    """Mean shear of the galaxies in each pixel, the pixels' size in arcmin, and what was done."""
    names = [next((name for name in usual if name in table), None) for usual in (ROWS, COLUMNS, FIRST, SECOND)]
    if None in names:
        missing = ("dec (or y)", "ra (or x)", "gamma1", "gamma2")[names.index(None)]
        raise InputError(f"The table in {path} has no column {missing}. It has: {', '.join(table) or 'no numbers'}.")
    row, column, first, second = (np.asarray(table[str(name)], float).ravel() for name in names)
    for name, values in zip(names, (row, column, first, second), strict=True):
        check_finite(values, f"Column {name} of {path.name}")
    on_sky = names[1] in COLUMNS[:3]
    if on_sky:  # arcmin on the tangent plane, right ascension without its jump at 360 degrees
        around = column[0]
        column = 60.0 * ((column - around + 180.0) % 360.0 - 180.0) * math.cos(math.radians(row.mean()))
        row = 60.0 * row
    extent = np.ptp(row), np.ptp(column)
    if min(extent) <= 0:
        raise InputError(f"All galaxies in {path} lie on one line: {names[0]}, {names[1]} have no extent.")
    pixel = math.sqrt(extent[0] * extent[1] * GALAXIES / row.size)
    pixel = min(max(pixel, max(extent) / SIZES[1]), min(extent) / SIZES[0])
    sizes = [math.ceil(e / pixel * (1 + 1e-9)) for e in extent]
    at = [np.minimum((v - v.min()) / pixel, n - 1).astype(int) for v, n in zip((row, column), sizes, strict=True)]
    count = np.zeros(sizes)
    np.add.at(count, tuple(at), 1.0)
    planes = []
    for values in (first, second):
        plane = np.zeros(sizes)
        np.add.at(plane, tuple(at), values)
        planes.append(plane / np.maximum(count, 1.0))
    note = (
        f"{row.size} galaxies, {row.size / count.size:.3g} for each pixel: mean of {names[2]} and {names[3]}, rows by "
        f"increasing {names[0]}, columns by increasing {names[1]}. If mass comes out negative, the catalogue counts "
        "shear the other way round: change the operator's signs"
    )
    return planes, pixel if on_sky else None, note

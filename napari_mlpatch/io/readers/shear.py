"""Shear of weak lensing in FITS files: maps of its two components, on the pixels of the sky."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import torch

from ..arrays import Slices
from ..guard import existing_file
from ..measurement import Measurement
from ..option_phrases import option
from ..options import LoadOptions
from .fits import Contents, contents_of
from .shear_catalogue import IMPOSSIBLE, binned

NUMBER = re.compile(r"(?<![a-z])((?:gamma|shear|g|e)_?)([12])(?![0-9])", re.IGNORECASE)


def is_shear(path: Path, contents: Contents) -> bool:
    """Whether a file holds shear rather than a sinogram. Raises InputError where that cannot be told."""
    images = contents.images
    if not images:
        return True
    if len(images) == 1 and len(images[0].stored.shape) == 2:
        return bool(NUMBER.search(path.stem) or NUMBER.fullmatch(images[0].name))
    planes = _planes(contents)
    if planes is None:
        return False
    if any(NUMBER.fullmatch(image.name) for image in images) or _sky(images[0].header, "CTYPE1"):
        return True
    known = [plane[np.isfinite(plane) & (plane != 0) & (np.abs(plane) < IMPOSSIBLE)] for plane in planes]
    negative = [float(np.mean(values < 0)) if values.size else 0.0 for values in known]
    if min(negative) > 0.2:
        return True
    if max(negative) < 0.05 and max((float(values.max()) for values in known if values.size), default=0.0) > 0:
        return False
    if not any(values.size for values in known):
        return True
    raise InputError(
        f"{path} holds two planes of which {100 * negative[0]:.0f} % and {100 * negative[1]:.0f} % are negative: they "
        f"may be the two components of shear or two sinograms. Give {option('content')}, shear or sinogram."
    )


def load_shear(path: Path, contents: Contents, options: LoadOptions) -> Measurement:
    """The shear ``gamma1 + i gamma2`` of a file, as a complete problem of ``KaiserSquires``.

    Two planes in one array or in two; or one plane, the other being in the file beside it whose name has a 2 in the
    place of the 1 (``cosmos_g1.fits``, ``cosmos_g2.fits``); or a table of galaxies, see ``shear_catalogue``. Where
    both components are exactly zero, NaN, or beyond what shear can be (-99), nothing was measured. A map on the sky
    whose columns run towards smaller right ascension is turned, for that is the frame of gamma2. Raises InputError.
    """
    notes: list[str] = []
    planes, header = _planes(contents), contents.images[0].header if contents.images else {}
    pixel = next((p for p in (_pixel_size(image.header) for image in contents.images) if p), None)
    if planes is not None:
        notes.append("gamma1 and gamma2 are two planes of the file")
    elif len(contents.images) == 1 and len(contents.images[0].stored.shape) == 2:
        pair = _pair(path)
        if pair is None:
            raise InputError(
                f"{path} holds one plane. A shear map is two: name them alike with g1 and g2, such as map_g1.fits and "
                "map_g2.fits, in one folder, or put both into one file."
            )
        planes = [_plane(part) for part in pair]
        notes.append(f"gamma1 from {pair[0].name}, gamma2 from {pair[1].name}")
    elif not contents.images and contents.has_table:
        planes, pixel, more = binned(path, contents.columns, contents.units, options.columns)
        notes += more
    if planes is None or planes[0].shape != planes[1].shape or planes[0].ndim != 2:
        seen = ", ".join(str(list(image.stored.shape)) for image in contents.images) or "no image"
        raise InputError(f"{path} holds {seen}. A shear map is two planes of equal size, or a table of galaxies.")
    if contents.images:
        planes, more = _upright(planes, header)
        notes += more
    return _measurement(path, planes, pixel, notes)


def _planes(contents: Contents) -> list[np.ndarray] | None:
    """The two planes of a file that holds two, else None."""
    images = contents.images
    shapes = [image.stored.shape for image in images]
    if len(images) == 1 and len(shapes[0]) == 3 and 2 in (shapes[0][0], shapes[0][-1]):
        both = np.asarray(images[0].stored.read(()), float)
        return list(both if len(both) == 2 else np.moveaxis(both, -1, 0))
    if len(images) == 2 and shapes[0] == shapes[1] and len(shapes[0]) == 2:
        return [np.asarray(image.stored.read(()), float) for image in images]
    return None


def _upright(planes: list[np.ndarray], header: Any) -> tuple[list[np.ndarray], list[str]]:
    """Rows and columns in the order of growing declination and right ascension, and notes on what was turned."""
    notes = []
    for axis, number, name in ((1, 1, "right ascension"), (0, 2, "declination")):
        steps = (header.get(f"CDELT{number}"), header.get(f"CD{number}_{number}"))
        step = next((float(s) for s in steps if s is not None and float(s) != 0), 0.0)
        if step < 0 and _sky(header, f"CTYPE{number}"):
            planes = [np.flip(plane, axis) for plane in planes]
            what = "columns" if axis else "rows"
            notes.append(
                f"{what} in reverse order, so that {name} grows along them, the frame of gamma2. "
                "If gamma2 counts along the file's pixels, change the operator's signs"
            )
    return planes, notes


def _measurement(path: Path, planes: list[np.ndarray], pixel: float | None, notes: list[str]) -> Measurement:
    from napari_mlpatch.core.problem import Problem

    outside = ~np.isfinite(planes[0]) | ~np.isfinite(planes[1])
    marked = ~outside & (np.maximum(np.abs(planes[0]), np.abs(planes[1])) >= IMPOSSIBLE)
    shear = np.where(outside | marked, 0, planes[0] + 1j * planes[1]).astype(np.complex64)
    for what, where in (("NaN or infinite", outside), (f"{IMPOSSIBLE:g} or beyond (marks such as -99)", marked)):
        if where.any():
            notes.append(f"{where.mean():.1%} of the pixels are {what} and count as not measured")
    rows, columns = shear.shape
    params: dict[str, Any] = {"image_shape": (rows, columns)}
    if pixel is not None:
        params["pixel_size_arcmin"] = pixel
    measured = shear != 0
    if not measured.any():
        raise InputError(f"{path} holds no shear: all of it is zero or not measured.")
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


def _sky(header: Any, key: str) -> bool:
    return str(header.get(key, "")).upper().startswith(("RA", "DEC", "GLON", "GLAT", "ELON", "ELAT"))


def _pixel_size(header: Any) -> float | None:
    """Side of a pixel in arcmin, where the header has degrees for each pixel."""
    for key in ("CD2_2", "CDELT2"):
        degrees = abs(float(header.get(key, 0.0)))
        if key in header and str(header.get("CUNIT2", "deg")).strip() == "deg" and 0 < degrees < 1:
            return 60.0 * degrees
    return None


def _pair(path: Path) -> tuple[Path, Path] | None:
    """The files of gamma1 and gamma2, of which ``path`` is one; None where there are no two."""
    found = list(NUMBER.finditer(path.stem))
    for match in reversed(found):
        names = (path.stem[: match.start(2)] + number + path.stem[match.end(2) :] for number in "12")
        first, second = (path.with_name(name + path.suffix) for name in names)
        if first.is_file() and second.is_file():
            return first, second
    return None


def _plane(path: Path) -> np.ndarray:
    images = contents_of(existing_file(path)).images
    if len(images) != 1:
        raise InputError(f"{path} holds {len(images)} images. One is needed.")
    return np.asarray(images[0].stored.read(()), float)

"""The numbers of one page of a TIFF file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from napari_mlpatch.core.errors import InputError

from .calibration import Calibration
from .tiff_whole import no_holes


def page_values(path: Path, page: Any, calibration: Calibration) -> np.ndarray:
    """One page. What tifffile cannot decompress alone, Pillow may."""
    no_holes(path, page)
    if not needs_pillow(page):
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


def page_part(path: Path, page: Any, calibration: Calibration, plane: tuple[int, ...], part: tuple) -> np.ndarray:
    """Some rows of a page that lies in the file as it is, without reading the others."""
    no_holes(path, page)
    kind = np.dtype(page.parent.byteorder + page.dtype.char)
    values = np.memmap(path, kind, "r", page.dataoffsets[0], tuple(page.shape))
    return calibration(np.array(values.reshape(plane)[part]).astype(page.dtype, copy=False))


def needs_pillow(page: Any) -> bool:
    """Whether tifffile would need imagecodecs, which is not installed."""
    try:
        page.keyframe.decode(None, 0)
    except ValueError as error:
        return "imagecodecs" in str(error)
    except Exception:  # of a damaged page: comes again as it is read
        return False
    return False

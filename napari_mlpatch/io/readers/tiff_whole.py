"""What of a TIFF file is missing, which would be read as zeros or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import tifffile

from napari_mlpatch.core.errors import InputError

ORDER: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


def ends_well(path: Path, file: tifffile.TiffFile) -> None:
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


def no_gaps(path: Path, series: list[Any]) -> None:
    """Refuse frames that the metadata counts and the file does not hold: they would be read as zeros."""
    pages = [page for each in series for page in each.pages]
    gone = [k for k, page in enumerate(pages) if page is None]
    if gone:
        raise InputError(
            f"{path}: {len(gone)} of {len(pages)} frames are missing ({_listed(gone)}, counted from 0): its metadata "
            "count them, but they are not in the file, nor in a file beside it. Get the whole file or set of files."
        )


def no_holes(path: Path, page: Any) -> None:
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

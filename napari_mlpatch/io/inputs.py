"""All files that are read where a command, a recipe or a source names something: also those behind the names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import tifffile

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import containers, files_in, path_of

FOLDERS = ("path", "data", "flat", "dark", "truth")
"""Keys whose value is the name of a file or folder; other words may be like a folder's name by chance."""


def inputs_of(value: Any) -> Iterator[Path]:
    """Files that are read for the names in values of any depth, and folders, of which all that is inside counts.

    Of an HDF5 file also those that its links and virtual arrays lead to, beyond its own folder with "outside_links";
    of an OME-TIFF file those that hold its other pages.
    """
    named = [item for item in containers(value) if isinstance(item, dict)]
    outside = any(item.get("outside_links") is True for item in named)
    for name in dict.fromkeys(files_in(value)):
        path = path_of(name)
        yield path
        yield from behind(path, outside)
    for name in (item.get(key) for item in named for key in FOLDERS):
        with suppress(InputError, OSError, ValueError, TypeError):
            if name and path_of(name).is_dir():
                yield path_of(name)


def behind(path: Path, outside: bool = False) -> list[Path]:
    """Other files that reading this one opens. None of damaged ones, whose reader raises the error."""
    from .readers.h5_tree import read_tree

    with suppress(Exception):
        if h5py.is_hdf5(path):
            return list(read_tree(path, outside).files)
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as file:
                pages = [page for series in file.series for page in series.pages] if file.is_ome else []
                return list({Path(page.parent.filehandle.path) for page in pages if page is not None})
    return []

"""An array of an HDF5 file that is opened for each reading, so that no file stays open."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .. import h5
from ..arrays import LARGEST_ITEM, Stored
from ..guard import check_claim, reading
from ..number_types import is_complex, numbers
from ..packing import packing_of
from .h5_filters import read_compressed

UNCACHED = 0
"""Bytes of cache with which a file is opened to read parts of chunks: HDF5 reads those that fit into it as a whole, and
forgets them with the file."""


def stored_in(file: Path, name: str, item: h5py.Dataset, held: int, identity: Any) -> Stored:
    """The array of that name, whose values fill at most ``held`` bytes of files. Raises InputError for false sizes."""
    check_claim(file, name, item.shape, item.dtype.itemsize, held)

    pieces = pieces_of(item)

    def opened(use: Any) -> Any:
        with reading(file, "HDF5"), h5py.File(file, "r", rdcc_nbytes=None if pieces else UNCACHED) as root:
            return use(root[name])

    packing = packing_of(lambda attribute: h5.attribute(item, attribute), name) if len(item.attrs) else None

    def read(index: Any) -> np.ndarray:
        def values(found: Any) -> np.ndarray:
            return numbers(read_compressed(file, found, index))

        return opened(values) if packing is None else packing.unpacked(opened(values))

    return Stored(
        item.shape,
        read,
        item.dtype.kind in "iu" and not (packing is not None and packing.is_scaled),
        is_complex(item.dtype),
        identity=identity,
        attribute=lambda attribute: opened(lambda found: h5.attribute(found, attribute)),
        labels=lambda: opened(_labels),
        ranges=True,
        pieces=pieces,
        itemsize=item.dtype.itemsize if packing is None else LARGEST_ITEM,
        note="" if packing is None else packing.note(name),
    )


def pieces_of(item: h5py.Dataset) -> tuple[int, ...]:
    """Its chunks, if they are compressed; else any part can be read, see ``UNCACHED``.

    Of a virtual array, those of the first source that is like it.
    """
    if item.is_virtual:
        with suppress(Exception):  # whatever is wrong with it is told where it is read
            part = item.virtual_sources()[0]
            if part.file_name == ".":
                source = item.file[part.dset_name]
                return pieces_of(source) if source.ndim == item.ndim else ()  # type: ignore
            with h5py.File(Path(item.file.filename).parent / part.file_name, "r") as file:
                source = file[part.dset_name]
                return pieces_of(source) if source.ndim == item.ndim else ()  # type: ignore
        return ()
    if item.chunks is None:
        return ()
    return tuple(item.chunks) if item.id.get_create_plist().get_nfilters() > 0 else ()


def _labels(item: h5py.Dataset) -> tuple[str, ...]:
    """What the axes are called, "" for those that have no name: by an attribute "axes", or by dimension scales."""
    axes: Any = item.attrs.get("axes")
    if axes is None and item.parent.attrs.get("signal") is not None:
        axes = item.parent.attrs.get("axes")  # NXdata
    if isinstance(axes, bytes | str):
        text = axes.decode("utf-8", "replace") if isinstance(axes, bytes) else axes
        parts = text.strip("[]() ").replace(",", ":").split(":")
    elif isinstance(axes, np.ndarray):
        parts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in axes.ravel()]
    else:
        parts = [str(dimension.label or next(iter(dimension.keys()), "")) for dimension in item.dims]
    parts = [part.strip().strip("'\"").lower() for part in parts]
    return tuple(parts) if len(parts) == item.ndim else ()

"""Where the pictures of a stack go; the name says the format."""

from __future__ import annotations

from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of

from .sink import Sink

ENDINGS = ".zarr (OME-Zarr), .h5 (HDF5), .tif (one TIFF), or no ending (a folder of TIFF files)"


def sink_for(out: Any) -> Sink:
    """The sink of an output's name: ``.zarr``, ``.h5``, ``.tif``, or a folder. Raises InputError for other endings."""
    path = path_of(out, "The output")
    ending = path.suffix.lower()
    if ending == ".zarr":
        from .ome_zarr import OmeZarr

        return OmeZarr(path)
    if ending in (".h5", ".hdf5"):
        from .hdf5 import Hdf5

        return Hdf5(path)
    if ending in (".tif", ".tiff"):
        from .tiff import TiffFile

        return TiffFile(path)
    if not ending:
        from .tiff import TiffFolder

        return TiffFolder(path)
    raise InputError(f"{path.name!r}: a volume is written as {ENDINGS}.")

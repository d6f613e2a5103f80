"""Compressions of HDF5 that its library has not built in."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.errors import InputError

KNOWN = {
    305: "LZO",
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32018: "fcidecomp",
    32019: "jpeg",
    32024: "sz3",
    32026: "blosc2",
    32028: "sperr",
}
"""Registered numbers (The HDF Group, registered filter plugins)."""
BUILT_IN = 256  # numbers below are of the library itself


def read_compressed(path: Path, dataset: h5py.Dataset, index: Any = ()) -> np.ndarray:
    """Part of an array, decompressed with the package hdf5plugin where the library cannot.

    Raises InputError with the filter and what to install.
    """
    properties = dataset.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    foreign = [code for code in codes if code >= BUILT_IN and code != h5py.h5z.FILTER_LZF]
    for code in codes:
        _check(path, dataset.name, code)
    try:
        return np.asarray(dataset[index])
    except OSError as error:
        if not foreign:
            raise
        raise InputError(
            f"{path}: {dataset.name!r} is compressed with the HDF5 filter {_named(foreign[0])}, which could not "
            f"undo it ({str(error)[:80]}): the data are damaged, or the installed filter is too old "
            "(pip install hdf5plugin --upgrade renews it)."
        ) from error


def _check(path: Path, name: Any, code: int) -> None:
    if h5py.h5z.filter_avail(code):
        return
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401  # type: ignore[import-not-found]  registers its filters

        if h5py.h5z.filter_avail(code):
            return
        raise InputError(
            f"{path}: {name!r} is compressed with the HDF5 filter {_named(code)}, which hdf5plugin does not have. "
            "Write the file anew with another compression: h5repack -f GZIP=4 old.h5 new.h5"
        )
    raise InputError(
        f"{path}: {name!r} is compressed with the HDF5 filter {_named(code)}, which is not installed: "
        "pip install hdf5plugin"
    )


def _named(code: int) -> str:
    return f"{code} ({KNOWN[code]})" if code in KNOWN else str(code)

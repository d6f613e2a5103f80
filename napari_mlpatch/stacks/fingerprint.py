"""By what it is known that data are still the same, without reading them: sizes, times and the ends of files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of

ENDS = 65536
"""Bytes of the beginning and of the end of a file that are looked at; headers are there."""


def fingerprint(path: Path) -> str:
    """SHA-256 over size, time of change and both ends of a file; of a folder over names, sizes, times of its files.

    Where the file lies does not count. Raises InputError where it is gone.
    """
    found = hashlib.sha256(repr(stamp(path)).encode())
    if path.is_file():
        with path.open("rb") as file:
            found.update(file.read(ENDS))
            file.seek(max(path.stat().st_size - ENDS, 0))
            found.update(file.read(ENDS))
    return found.hexdigest()


def stamp(path: Path) -> tuple:
    """Size and time of change [ns] of a file, or of all files in a folder with their names: cheap enough for a block.

    Raises InputError where it is gone.
    """
    try:
        if path.is_dir():
            return tuple(sorted(_inside(path, "")))
        about = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read any more: {reason_of(error)}.") from None
    return about.st_size, about.st_mtime_ns


def _inside(folder: Path, prefix: str):
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _inside(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                about = entry.stat()
                yield f"{prefix}{entry.name}", about.st_size, about.st_mtime_ns

"""Room on the disk for the volume of a run: counted before anything is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from napari_mlpatch.core.budget import bytes_of, in_words
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of
from napari_mlpatch.core.phrases import phrase

from .sinks.sink import Sink


def bytes_to_come(sink: Sink, shape: tuple[int, ...], done: int | None = None) -> int:
    """What a volume ``[slices, rows, columns]`` will still take of the disk, of which ``done`` slices are there.

    ``done`` is None where it is made anew: an output in its place is taken away before, and leaves its room.
    """
    if done is not None and not sink.grows:
        return 0
    whole = int(bytes_of((shape[0] - (done or 0), *shape[1:]), 4) * sink.overhead)
    return whole if done is not None else max(whole - taken(sink), 0)


def check_room(sink: Sink, shape: tuple[int, ...], done: int | None = None) -> None:
    """Raises InputError where the disk has no room for that."""
    needed, place = bytes_to_come(sink, shape, done), place_of(sink.path)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise InputError(f"{place} cannot be used: {reason_of(error)}.") from None
    if needed > free:
        sizes = " x ".join(map(str, shape))
        what = f"What is to come of the volume of {sizes}" if done else f"The volume of {sizes}"
        raise InputError(
            f"{what} needs {in_words(needed)}, the disk of {place} has {in_words(free)} free."
            f" Make room, choose another disk, or {phrase('fewer slices (--slices)', 'fewer slices')}."
        )


def place_of(path: Path) -> Path:
    """Where a file or folder is or will be, on whose disk: links are followed."""
    target = Path(os.path.realpath(path))
    return target if target.exists() else target.parent


def taken(sink: Sink) -> int:
    """Bytes of the disk that become free where the output is removed; 0 for what is no output."""
    if sink.about() is None:
        return 0
    return sum(map(_on_disk, sink.parts()))


def _on_disk(file: Path) -> int:
    try:
        about = file.lstat()
    except OSError:  # gone meanwhile
        return 0
    return getattr(about, "st_blocks", about.st_size // 512) * 512

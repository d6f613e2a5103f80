"""Reading files of strangers: whatever is wrong with one becomes an InputError."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_mlpatch.core.budget import bytes_of, in_words, limit, reserve
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of


def existing_file_or_folder(path: str | os.PathLike[str]) -> Path:
    """The absolute path. Raises InputError where there is nothing, for empty files, and for unreadable ones."""
    found = path_of(path)
    try:
        if found.is_dir():
            return found
    except (OSError, ValueError):
        pass
    return existing_file(path)


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The absolute path of a readable, non-empty file. Raises InputError otherwise, also for pipes and devices."""
    found = path_of(path)
    try:
        if found.is_dir():
            raise InputError(f"{found} is a folder. Give a file.")
        if not found.exists():
            raise InputError(f"{found} does not exist. Check the name and the folder.")
        if not found.is_file():
            raise InputError(f"{found} is a pipe or a device. Give a file.")
        if found.stat().st_size == 0:
            raise InputError(f"{found} is empty (0 bytes). It was probably never written to the end.")
        with found.open("rb"):
            pass
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{found} cannot be opened: {error}.") from error
    return found


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turns every error of a file library into an InputError: on damaged files they raise nearly anything."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{path} cannot be read as {kind}: it needs more memory than there is. Close other programs, or read a "
            f"part of it ({in_words(limit())} may be used now)."
        ) from error
    except ImportError as error:
        raise InputError(_needs(path, kind, str(error.name or error))) from error
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        package = NEEDED.search(reason)
        if package:
            raise InputError(_needs(path, kind, package[1])) from error
        if isinstance(error, PermissionError | NotImplementedError):
            raise InputError(f"{path} cannot be read as {kind}: {reason[:300]}.") from error
        raise InputError(
            f"{path} cannot be read as {kind}: {reason[:300]}. The file is damaged, incomplete or of another kind."
        ) from error


NEEDED = re.compile(r"requires? (?:the )?['\"]?([a-zA-Z][a-zA-Z0-9_-]*)['\"]? (?:package|library|module)")
"""How libraries say that another one is missing."""


def _needs(path: Path, kind: str, package: str) -> str:
    return (
        f"{path} cannot be read as {kind} without the package {package}, which is not installed: pip install {package}"
    )


def check_claim(path: Path, name: str, shape: tuple[int, ...], itemsize: int, on_disk: int | None = None) -> None:
    """Refuse a size that the file cannot hold, before memory is asked for it.

    Compression makes files smaller, but of measurements not a thousand times. ``on_disk``: bytes of all files that
    hold the values, where they are more than this one.
    """
    _plausible(path, name, shape, bytes_of(shape, itemsize), times=1000, free=2**20, on_disk=on_disk)


def room_for(path: Path, name: str, shape: tuple[int, ...], itemsize: int, held: int = 0) -> int:
    """The bytes of an array that is about to be read as a whole, and of those that are held already.

    To be called before each is allocated, with the sum so far. Raises InputError where together they are more than the
    file can hold, or than may be used (see ``core.budget``).
    """
    total = held + bytes_of(shape, itemsize)
    _plausible(path, name, shape, total, times=1000, free=2**20)
    return reserve(total, f"{path}: {name} of shape {list(shape)}", "Read a part of it, or a smaller file.")


def room_for_picture(path: Path, shape: tuple[int, ...], itemsize: int) -> int:
    """The same for a picture that opens as a whole: one of many megapixels is no file of a few kilobytes."""
    total = bytes_of(shape, itemsize)
    _plausible(path, "its picture", shape, total, times=100, free=2**26)
    return reserve(5 * total, f"The picture {path}", "Make it smaller first.")  # as it is, as an array, as float32


def _plausible(
    path: Path, name: str, shape: tuple[int, ...], claimed: int, times: int, free: int, on_disk: int | None = None
) -> None:
    held = path.stat().st_size if on_disk is None else on_disk
    if claimed > times * held + free:
        raise InputError(
            f"{path} is damaged: it says that {name} has shape {list(shape)} ({in_words(claimed)}), "
            f"but the whole file has {in_words(held)}."
        )

"""Reading files of strangers: whatever is wrong with one becomes an InputError."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_mlpatch.core.errors import InputError


def existing_file_or_folder(path: str | os.PathLike[str]) -> Path:
    """The absolute path. Raises InputError where there is nothing, for empty files, and for unreadable ones."""
    found = Path(path).expanduser().absolute()
    try:
        if found.is_dir():
            return found
    except (OSError, ValueError):
        pass
    return existing_file(path)


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The absolute path of a readable, non-empty file. Raises InputError otherwise."""
    found = Path(path).expanduser().absolute()
    try:
        if found.is_dir():
            raise InputError(f"{found} is a folder. Give a file.")
        if not found.exists():
            raise InputError(f"{found} does not exist. Check the name and the folder.")
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
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise InputError(
            f"{path} cannot be read as {kind}: {reason[:300]}. The file is damaged, incomplete or of another kind."
        ) from error


def check_claim(path: Path, name: str, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse a size that the file cannot hold, before memory is asked for it.

    Compression makes files smaller, but of measurements not a thousand times.
    """
    claimed = math.prod(int(n) for n in shape) * itemsize
    held = path.stat().st_size
    if claimed > 1000 * held + 2**20:
        raise InputError(
            f"{path} is damaged: it says that {name} has shape {list(shape)} ({claimed / 2**30:.3g} GB), "
            f"but the whole file has {held / 2**20:.3g} MB."
        )

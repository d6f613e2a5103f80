"""Writing files so that they are either complete or not there at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from napari_mlpatch.core.errors import InputError

IMAGE_SUFFIXES = (".tif", ".tiff", ".npy", ".h5", ".hdf5")


def check_writable(path: str | os.PathLike[str], suffixes: Sequence[str] = IMAGE_SUFFIXES) -> Path:
    """The absolute path, after making sure that a file can be written there: to be called before a long run.

    Raises InputError for an unknown suffix, a missing folder, a folder in the file's place, and missing permission.
    """
    target = Path(path).expanduser().absolute()
    if target.suffix.lower() not in suffixes:
        raise InputError(f"{target.name!r} does not end in {', '.join(suffixes)}: choose one of these formats.")
    try:
        if "\0" in target.name:
            raise ValueError("the name holds a null byte")
        if target.is_dir():
            raise InputError(f"{target} is a folder. Give the name of a file in it.")
        if not target.parent.is_dir():
            raise InputError(f"The folder {target.parent} does not exist. Create it first.")
        if target.exists() and not os.access(target, os.W_OK):
            raise InputError(f"{target} is write-protected. Choose another name.")
        trial = _beside(target)
        trial.touch(exist_ok=False)
        trial.unlink()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{target} cannot be written: {error}. Choose another folder.") from error
    return target


@contextmanager
def replacing(path: str | os.PathLike[str], suffixes: Sequence[str] = IMAGE_SUFFIXES) -> Iterator[Path]:
    """A temporary name in the same folder; what was written there takes the target's place in one step at the end.

    After an error the target is as it was before. Raises InputError like ``check_writable``, and when the disk is full.
    """
    target = check_writable(path, suffixes)
    temporary = _beside(target)
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{target} could not be written: {error}. Check the free space of the disk.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{secrets.token_hex(6)}{target.suffix}")

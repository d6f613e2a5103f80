"""Writing files so that they are either complete or not there at all, and never over what somebody else made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from napari_mlpatch.core.arguments import instance
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import beside, check_place, clean_up, path_of, reason_of, replacing_file
from napari_mlpatch.core.phrases import OR_FORCE, OR_REPLACE

from .own import Kind, is_own, seal

IMAGE_SUFFIXES = (".tif", ".tiff", ".npy", ".h5", ".hdf5", ".fits", ".fit")
"""Last suffixes of ``writers.FORMATS``."""


def check_writable(
    path: str | os.PathLike[str],
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
    *,
    force: bool = False,
    inputs: Iterable[str | os.PathLike[str]] = (),
    kind: Kind = "picture",
) -> Path:
    """The absolute path, after making sure that a file can be written there: to be called before a long run.

    Raises InputError for an unknown suffix, a missing folder, a folder in the file's place, and missing permission.
    Without ``force`` also where the file is one of the ``inputs``, by whatever name or link, and where it is there
    and this program has not written it as the same ``kind``, or somebody has changed it since. Temporary files of
    killed runs are removed from its folder.
    """
    target = path_of(path, "The output")
    instance(force, bool, "force")
    many = instance(suffixes, Sequence, "suffixes")
    if isinstance(suffixes, str) or not all(isinstance(suffix, str) for suffix in many):
        raise InputError(f"suffixes are a list of texts such as '.tif', got {suffixes!r:.60}.")
    if target.suffix.lower() not in suffixes:
        raise InputError(f"{target.name!r} does not end in {', '.join(suffixes)}: choose one of these formats.")
    try:
        if target.is_dir():
            raise InputError(f"{target} is a folder. Give the name of a file in it.")
        if not target.parent.is_dir():
            raise InputError(f"The folder {target.parent} does not exist. Create it first.")
        if not force:
            refuse_inputs(target, inputs)
        for file in _written(target):
            check_place(file)
            if file.is_dir():
                raise InputError(f"{file} is a folder. Choose another name.")
            if not force:
                _refuse_foreign(file, kind)
            if file.exists() and not os.access(file, os.W_OK):
                raise InputError(f"{file} is write-protected. Choose another name.")
        real = Path(os.path.realpath(target))
        clean_up(real.parent)
        trial = beside(real)
        trial.touch(exist_ok=False)
        trial.unlink()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = reason_of(error) if isinstance(error, OSError) else error
        raise InputError(f"{target} cannot be written: {reason}. Choose another folder.") from error
    return target


@contextmanager
def replacing(
    path: str | os.PathLike[str],
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
    *,
    force: bool = False,
    kind: Kind = "picture",
) -> Iterator[Path]:
    """A temporary name in the same folder; what was written there is sealed (see ``own``) and takes the target's
    place in one step at the end.

    After an error the target is as it was before. Raises InputError like ``check_writable``, and when the disk is full.
    """
    target = check_writable(path, suffixes, force=force, kind=kind)
    try:
        with replacing_file(target) as temporary:
            yield temporary
            if target.suffix.lower() != ".npy":  # its hash is in the notes beside it
                seal(temporary)
    except OSError as error:
        raise InputError(f"{target} could not be written: {reason_of(error)}.") from error


def _written(target: Path) -> list[Path]:
    """All files that writing to the target replaces."""
    return [target, target.with_suffix(".json")] if target.suffix.lower() == ".npy" else [target]


def refuse_inputs(target: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Raises InputError where writing to the target would destroy one of the inputs, by whatever name or link.

    Of a folder all files inside, of any depth, are inputs.
    """
    if isinstance(inputs, str | bytes | os.PathLike) or not isinstance(inputs, Iterable):
        raise InputError(f"inputs are a list of names of files, got {inputs!r:.60}.")
    written = [file for file in _written(path_of(target)) if file.exists()]
    for file, other in ((file, path_of(name)) for name in (inputs if written else ()) for file in written):
        if other.is_dir() and (file.resolve().is_relative_to(other.resolve()) or _is_linked(other, file)):
            raise InputError(
                f"{file} is in the folder that is read here ({other.name}): writing the result there could destroy an "
                f"input. Choose another name{OR_FORCE}."
            )
        if other.exists() and os.path.samefile(file, other):
            raise InputError(
                f"{file} is what is read here ({other.name}): writing the result there would destroy it. "
                f"Choose another name{OR_FORCE}."
            )


def _is_linked(folder: Path, file: Path) -> bool:
    """Whether a link in a folder, or in the folders in it, is this file."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    inside = [entry for part in entries if part.is_dir() for entry in part.iterdir()]
    return any(entry.is_file() and entry.samefile(file) for entry in (*entries, *inside))


def _refuse_foreign(file: Path, kind: Kind) -> None:
    if not file.exists() or is_own(file, kind):
        return
    if kind == "figure":
        raise InputError(f"{file} is there already. Choose another name{OR_REPLACE}.")
    other = next((one for one in get_args(Kind) if is_own(file, one)), None)
    why = (
        f"is a {other} of this program, which is not replaced by a {kind}"
        if other is not None
        else "this program has not made it, or it has been changed since"
    )
    raise InputError(f"{file} is there already, and {why}. Choose another name{OR_REPLACE}.")

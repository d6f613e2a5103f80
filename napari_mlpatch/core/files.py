"""Names of files, texts in files, and files that are replaced as a whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .budget import in_words
from .errors import InputError

LARGEST_TEXT = 64 * 2**20
"""Bytes: a recipe may hold a kernel or a mask, but no list of angles and no card is longer."""
LONGEST_NAME, LONGEST_PATH = 255, 4095  # bytes of a part, and of all: what file systems take
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
HERE = hashlib.sha256(socket.gethostname().encode("utf-8", "replace")).hexdigest()[:8]
TEMPORARY = re.compile(r"\.mlpatch-([0-9a-f]{8}-\d+)-[0-9a-f]{12}\b")


def path_of(value: Any, what: str = "A file") -> Path:
    """The absolute path that a name stands for, ``~`` and all.

    Raises InputError for what is no name: other types, null bytes, half a character, the home of a user who
    does not exist.
    """
    try:
        name = os.fspath(value)
    except TypeError:
        raise InputError(f"{what} is given by its name, got {type(value).__name__}: {_short(value)}.") from None
    if not isinstance(name, str):
        name = os.fsdecode(name)
    if not name:
        raise InputError(f"{what} has an empty name. Give the name of a file.")
    if "\0" in name:
        raise InputError(f"{what} cannot have the name {_short(name)}: it holds a null byte.")
    try:
        longest = max(len(os.fsencode(part)) for part in name.split("/"))
        if longest > LONGEST_NAME or len(name) > LONGEST_PATH:
            long = f"the name {_short(name)} has {len(name)} characters"
            raise InputError(f"{what} cannot be opened and cannot be written: {long}. Choose a shorter one.")
    except UnicodeError:
        raise InputError(f"{what} cannot have the name {ascii(name)[:80]}: it holds half of a character.") from None
    try:
        return Path(name).expanduser().absolute()
    except (RuntimeError, OSError):
        raise InputError(f"{what} cannot be found as {_short(name)}: there is no such home folder.") from None


def is_file(value: Any) -> bool:
    """Whether this is the name of an existing file; False for texts that cannot be a name."""
    try:
        return path_of(value).is_file()
    except (InputError, OSError, ValueError):  # too long, for example
        return False


def exists(value: Any, root: Path) -> bool:
    """Whether a file or folder is there; relative names start at ``root``."""
    try:
        name = os.fspath(value)
        return (path_of(name) if name.startswith("~") else root / name).exists()
    except (InputError, OSError, TypeError, ValueError):
        return False


def containers(value: Any) -> Iterator[Any]:
    """A value, and all that is in its dictionaries and lists, of any depth and length, each container once."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        yield item
        if isinstance(item, dict | list | tuple | set | frozenset) and id(item) not in seen:
            seen.add(id(item))
            waiting += item.values() if isinstance(item, dict) else item


def files_in(value: Any) -> Iterator[str]:
    """All names of existing files in values of any depth, by themselves or as KEY=FILE."""
    for item in containers(value):
        if isinstance(item, str | Path):
            text = str(item)
            yield from (name for name in {text, text.partition("=")[2]} if name and is_file(name))


def read_text(value: Any, what: str) -> str:
    """A text in UTF-8. Raises InputError, which begins with ``what``, for all else: pipes, devices, large files."""
    path = path_of(value, what)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise InputError(f"{what} {path} cannot be read: it is not a file.")
            if about.st_size > LARGEST_TEXT:
                raise InputError(f"{what} {path} cannot be read: it has {in_words(about.st_size)}, too large for text.")
            return file.read(LARGEST_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{what} {path} cannot be read: it is not a text file.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{what} {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A temporary name beside a file; what was written there takes its place in one step at the end.

    Symbolic links stay and their target is replaced; permissions stay. After an error, or where the process is killed,
    the file is as it was before. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    check_place(target)
    temporary = beside(target)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing in it
        with suppress(FileNotFoundError):
            _like(target.stat(), temporary)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Raises OSError where no file can be put, for a link that leads in a circle, a pipe or a device is there."""
    try:
        mode = os.lstat(os.path.realpath(path)).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a link that leads in a circle", str(path))
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EEXIST, "it is there as a pipe or a device, not as a file", str(path))


def replace_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file, complete or not at all. Raises OSError."""
    with replacing_file(path) as temporary:
        temporary.write_bytes(content)


def beside(target: Path) -> Path:
    """A new name in the folder of ``target``, by which ``clean_up`` knows whose it was."""
    return target.with_name(f".mlpatch-{mark()}-{secrets.token_hex(6)}{target.suffix}")


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that was to take the place of another, by whomever."""
    return TEMPORARY.match(name) is not None


def clean_up(folder: Path) -> None:
    """Remove temporary files and folders that killed processes of this machine have left in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = TEMPORARY.match(entry.name)
            if found and left_behind(found[1]):
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path)
                    else:
                        os.unlink(entry.path)


def mark() -> str:
    """Machine and process, for names of temporary files."""
    return f"{HERE}-{os.getpid()}"


def left_behind(owner: str) -> bool:
    """Whether a ``mark`` is of this machine, and of a process that is no more."""
    machine, _, pid = owner.partition("-")
    if machine != HERE or not pid.isdigit() or int(pid) == os.getpid() or sys.platform == "win32":
        return False  # on Windows, the signal that asks would end the process
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _like(before: os.stat_result, path: Path) -> None:
    """Give a file the permissions of the one that it replaces, and its owner where that is allowed."""
    now = path.stat()
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid) and hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(path, before.st_uid, before.st_gid)
    with suppress(OSError):
        os.chmod(path, stat.S_IMODE(before.st_mode))


def sync(path: Path) -> None:
    """Wait until a file is on the disk. Raises OSError."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        sync(folder)


def is_full(error: OSError) -> bool:
    """Whether there is no room on the disk, or not for this file or user; NumPy says so without a number."""
    return error.errno in FULL or (error.errno is None and "requested and" in str(error))


def reason_of(error: OSError) -> str:
    """What a person can do about an error of the file system."""
    if error.errno is None or error.errno in FULL:  # NumPy's have no number
        return f"{error.strerror or error}. Free some space there, or choose another folder"
    return error.strerror or str(error)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

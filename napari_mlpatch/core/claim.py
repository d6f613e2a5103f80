"""One run at a time writes an output: others are told so, whichever program and machine they are in."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import InputError
from .files import replace_bytes

LOCK, HOLDER = "lock", "holder"
"""Files in the folder: the lock, and who has it."""
UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Errors of file systems that have no locks."""


class Claim:
    """A lock in a folder that belongs to the output, or is it; the system gives it back where the program is killed.

    Where the file system has no locks nobody is held back.
    """

    def __init__(self, folder: Path, output: Path):
        self._folder, self._output = folder, output
        self._lock: Any = None

    def take(self) -> None:
        """Raises InputError where another run has it, with who that is; OSError where nothing can be written."""
        from filelock import FileLock, Timeout

        self._folder.mkdir(exist_ok=True)
        lock = FileLock(self._folder / LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{self._output} is being written by another run{self._who()}. Wait until it has ended, or choose "
                "another name."
            ) from None
        except NotImplementedError:
            return
        except OSError as error:
            if error.errno in UNKNOWN:
                return
            raise
        self._lock = lock
        with suppress(OSError):
            replace_bytes(self._folder / HOLDER, f"process {os.getpid()} on {socket.gethostname()}".encode())

    def _who(self) -> str:
        try:
            return f" ({(self._folder / HOLDER).read_text()[:200]})"
        except (OSError, UnicodeDecodeError):
            return ""

    def give_back(self) -> None:
        """May be called again. A folder with nothing else in it goes as well."""
        if self._lock is None:
            return
        for name in (HOLDER, LOCK):  # before it is free, or it could be that of the next one
            with suppress(OSError):
                (self._folder / name).unlink()
        self._lock.release()
        self._lock = None
        if sys.platform == "win32":  # where open files cannot be removed, and neither can the next one's
            with suppress(OSError):
                (self._folder / LOCK).unlink()
        with suppress(OSError):
            self._folder.rmdir()

"""Standard output and error as the commands see them: any encoding, no control characters, full or closed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.words import safe


class Guarded(io.TextIOBase):
    """Writes to a stream what is safe to show. What its encoding lacks becomes ``\\uXXXX``, also good inside of JSON.

    The errors of writing are an InputError where they ``matter``; elsewhere they are passed over, for nobody listens.
    """

    def __init__(self, stream: TextIO, matter: bool):
        self._stream, self._matter = stream, matter

    def write(self, text: str) -> int:
        return self.control(safe(text))

    def control(self, text: str) -> int:
        """Write the program's own control characters, too."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._try(lambda: self._stream.write(_fitting(text, encoding)))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def buffer(self) -> Any:
        return self._stream.buffer

    def _try(self, write: Any) -> None:
        try:
            write()
        except BrokenPipeError:
            if self._matter:
                raise
        except (OSError, ValueError) as error:  # a full disk, a closed file
            if self._matter:
                silence(self._stream)
                reason = getattr(error, "strerror", None) or error
                raise InputError(f"The results cannot be written to standard output: {reason}.") from None


@contextmanager
def guarded() -> Iterator[None]:
    """``sys.stdout`` and ``sys.stderr`` guarded; nothing where they were closed before the program began."""
    before = sys.stdout, sys.stderr
    _open_closed()
    out, err = (stream or io.StringIO() for stream in before)
    sys.stdout, sys.stderr = Guarded(out, matter=True), Guarded(err, matter=False)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def control(stream: TextIO, text: str) -> None:
    """Write control characters of our own, such as those that clear a line."""
    getattr(stream, "control", stream.write)(text)


def silence(stream: Any) -> None:
    """Let what is still in the buffer go nowhere, or the interpreter would complain of it at its end."""
    with suppress(OSError, ValueError, AttributeError):
        number = os.open(os.devnull, os.O_WRONLY)
        os.dup2(number, stream.fileno())
        os.close(number)


def _open_closed() -> None:
    """Or the next file that is opened would get the number of standard output, and all that is printed."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _fitting(text: str, encoding: str) -> str:
    """The text with only such characters as the encoding has."""
    try:
        text.encode(encoding)
        return text
    except (UnicodeEncodeError, LookupError):
        return "".join(_escaped(character, encoding) for character in text)


def _escaped(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
        return character
    except (UnicodeEncodeError, LookupError):
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

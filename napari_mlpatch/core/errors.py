"""The one error that a user's input can cause."""

from __future__ import annotations

from .words import safe, shortened


class InputError(ValueError):
    """Bad input. The message says what was wrong, the value seen, and what to do.

    The window shows it as a notification, the command line prints it and exits with code 2. Names and values out of
    files are in it, so that it never holds a control character, and
    is never long: what was seen may be a whole file.
    """

    def __init__(self, message: object = ""):
        super().__init__(safe(shortened(str(message))))

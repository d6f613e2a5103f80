"""The one error that a user's input can cause."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input. The message says what was wrong, the value seen, and what to do.

    The window shows it as a notification, the command line prints it and exits with code 2.
    """

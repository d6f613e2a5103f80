"""Phrases of messages that a window says in its own words.

Messages are plain text wherever they go: errors, notes, sessions, other processes. Where one names an option, a flag or
a method, whoever writes it gives the window's words beside it:

    raise InputError(f"The volume needs {size}. Take {phrase('fewer slices (--slices)', 'fewer slices')}.")

Python and the command line show the text as it is. A window shows ``in_window(text)``: each phrase in it, wherever it
stands exactly so, gives way to the window's words. All else stays, names of files and what is quoted among it; a
message without phrases needs nothing. ``io.option_phrases`` makes those that name how a file is to be read.
"""

from __future__ import annotations

from .registry import methods

_WINDOW: dict[str, str] = {}


def phrase(text: str, window: str) -> str:
    """``text``, which a window says as ``window``: enough words that no name of a file is likely to hold them.

    Known from this call on: phrases of notes, which are stored, are made where a module is loaded.
    """
    _WINDOW[text] = window
    return text


def naming_methods(text: str, *names: str) -> str:
    """The text with names of methods in its braces, "not for {}": "not for 'tv'", in a window their titles.

    Where "method" stands before the name, it needs no phrase.
    """
    return phrase(text.format(*map(repr, names)), text.format(*map(titled, names)))


def titled(name: str) -> str:
    """“Total variation” for "tv"; what is no method stays 'as it is'."""
    return f"“{methods.get(name).title}”" if name in methods.names() else repr(name)


def in_window(text: str) -> str:
    """The message in the window's words."""
    for one, window in sorted(_WINDOW.items(), key=lambda both: len(both[0]), reverse=True):
        if one in text:
            text = text.replace(one, window)
    return text


OR_FORCE = phrase(", or add --force (in Python: force=True)", "")
OR_REPLACE = phrase(", or add --force to replace it (in Python: force=True)", "")
OTHER_WEIGHTS = phrase(
    "`mlpatch weights list` shows what is here, `mlpatch train` makes others.", "The Train dock makes others."
)
USE_CPU = phrase("Use 'cpu' (--device cpu)", "Use “cpu”")

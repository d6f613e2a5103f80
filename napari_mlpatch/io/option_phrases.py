"""Options as messages name them, and as a window does, by the labels of its fields.

``f"Give {option('angle_unit')}, degrees or radians."`` is "Give angle_unit (--angle-unit), degrees or radians." in
Python and on the command line, and "Give “unit of angles”, degrees or radians." in a window.
"""

from __future__ import annotations

from typing import Any

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.phrases import phrase

from .options import LoadOptions, ProblemOptions, flag, label


def option(name: str, value: Any = None) -> str:
    """The option, or it with a value: "log=False (--no-log)". Without a field, a window says --log for it."""
    if value is None:
        return phrase(f"{name} ({flag(name)})", in_form(name) or f"{flag(name)} on the command line")
    given = flag(name) if value is True else f"--no-{name}" if value is False else f"{flag(name)} {value}"
    return phrase(f"{name}={value!r} ({given})", in_form(name, value) or f"{given} on the command line")


def naming(text: str) -> str:
    """The text with the options in its braces, "give {flat} (a number": "give flat (a number".

    For places without the flag: some words more, for a word alone may be part of another.
    """
    return phrase(text.format_map(_Each(str)), text.format_map(_Each(in_form)))


def on_line(name: str) -> str:
    """The flag after words that say what is wanted, " (--angles)": a window says nothing."""
    return phrase(f" ({flag(name)})", "")


def in_form(name: str, value: Any = None) -> str:
    """The option as a form has it: “logarithm”, or “logarithm” = not taken; "" where none has."""
    words = {True: "taken", False: "not taken"}.get(value, value) if isinstance(value, bool) else value
    return "" if not label(name) else f"“{label(name)}”" if value is None else f"“{label(name)}” = {words}"


class _Each(dict[str, str]):
    """What ``say`` makes of each name."""

    def __init__(self, say: Any):
        super().__init__()
        self.say = say

    def __missing__(self, name: str) -> str:
        return self.say(name)


# Notes are stored, and shown again before any reader is loaded: all that they say is here.
for _one in (parameter for options in (LoadOptions, ProblemOptions) for parameter in parameters(options)):
    on_line(_one.name)
    option(_one.name)
    for _value in _one.choices:
        option(_one.name, _value)
NOT_LOG = option("log", False)
AXIS_CHOOSES = naming("{angle_axis} chooses")
COUNTS_GIVE_FLAT = naming("counts, give {flat}")
FLAT_BY = phrase("--flat: ", "")
FLAT_OR_FLAG = phrase("flat, --flat", in_form("flat"))
OVERSAMPLED = naming("oversampled ({image_shape} ")
PICTURE_OR_BOTH = phrase(
    "in_corner='picture' (--in-corner picture, or both with zero frequency)",
    "--in-corner picture on the command line, or both with zero frequency",
)
SUCH_AXES = phrase(
    "kspace_axes (--kspace-axes, such as coils,rows,columns)",
    "--kspace-axes on the command line, such as coils,rows,columns",
)

"""Text from files and people, made safe to show: a terminal obeys what it is sent."""

from __future__ import annotations

import re

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters but for tab and new line, marks that turn the direction of writing, and halves of characters."""


def safe(text: str) -> str:
    """The text with each unsafe character as ``\\uXXXX``, which inside of JSON means the same."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

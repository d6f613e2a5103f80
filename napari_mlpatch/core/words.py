"""Text from files and people, made safe to show: a terminal obeys what it is sent."""

from __future__ import annotations

import os
import re

LONGEST = 2000  # characters
LONGEST_WORD = 300
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters but for tab and new line, marks that turn the direction of writing, and halves of characters."""


def safe(text: str) -> str:
    """The text with each unsafe character as ``\\uXXXX``, which inside of JSON means the same."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def short(value: object, most: int = 60) -> str:
    """As Python writes it; the beginning, where that is longer."""
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def shortened(message: str) -> str:
    """The message without the middle of endless words, and of itself where it is still endless.

    Its end says what to do. Paths stay whole.
    """
    if len(message) <= LONGEST_WORD:
        return message
    words = [_cut(word) for word in re.split(r"(\s+)", message)]
    text = "".join(words)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _cut(word: str) -> str:
    return word if len(word) <= LONGEST_WORD or os.sep in word else f"{word[:100]}...{word[-20:]}"


def count_of(number: int, noun: str) -> str:
    """ "1 image", "2 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def figure(name: str, value: float) -> str:
    """A figure of images held out: decibels of ``psnr...``, others without a unit."""
    return f"{name} {value:.2f} dB" if name.startswith("psnr") else f"{name} {value:.4f}"

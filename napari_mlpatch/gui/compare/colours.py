"""One colour for each result, in the table and in all plots."""

from __future__ import annotations

import colorsys
from functools import lru_cache

from napari_mlpatch.gui.plumbing.theme import shade

COLOURS = (
    *("#ffd166", "#06d6a0", "#ef476f", "#4cc9f0", "#f78c6b", "#b388eb"),
    *("#c5e063", "#ff8fd8", "#6c8cff", "#b98b5e", "#9ee6d8", "#e8e8e8"),
)
GOLDEN = 0.6180339887
"""Steps of the hue, as a part of the circle: the next one falls into the widest gap that is left."""


LEAST = 3.0
"""Contrast of a line with the light theme's background (WCAG 2.1, graphical objects); with the dark one all have it."""
LIGHT = "#ece8e6"


def colour_of(number: int) -> str:
    """Of the first dozen by hand; of more, hues that are as far from each other as can be, in two lightnesses.

    Darker in the light theme, where the eye would lose them.
    """
    colour = _colour(number)
    return on_light(colour) if shade() == "light" else colour


def _colour(number: int) -> str:
    if number < len(COLOURS):
        return COLOURS[number]
    more = number - len(COLOURS)
    return _written(*colorsys.hls_to_rgb((0.05 + GOLDEN * more) % 1.0, 0.75 if more % 2 else 0.5, 0.75))


@lru_cache(maxsize=1024)
def on_light(colour: str) -> str:
    """The same hue, dark enough for the light theme."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    while contrast(colour, LIGHT) < LEAST and lightness > 0:
        lightness -= 0.02
        colour = _written(*colorsys.hls_to_rgb(hue, max(lightness, 0.0), saturation))
    return colour


def contrast(first: str, second: str) -> float:
    """Of two colours, 1 to 21: the ratio of their relative luminances (WCAG 2.1)."""
    low, high = sorted(_luminance(colour) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _written(red: float, green: float, blue: float) -> str:
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"

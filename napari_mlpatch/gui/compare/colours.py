"""One colour for each result, in the table and in all plots."""

from __future__ import annotations

import colorsys

COLOURS = (
    *("#ffd166", "#06d6a0", "#ef476f", "#4cc9f0", "#f78c6b", "#b388eb"),
    *("#c5e063", "#ff8fd8", "#6c8cff", "#b98b5e", "#9ee6d8", "#e8e8e8"),
)
GOLDEN = 0.6180339887
"""Steps of the hue, as a part of the circle: the next one falls into the widest gap that is left."""


def colour_of(number: int) -> str:
    """Of the first dozen by hand; of more, hues that are as far from each other as can be, in two lightnesses."""
    if number < len(COLOURS):
        return COLOURS[number]
    more = number - len(COLOURS)
    red, green, blue = colorsys.hls_to_rgb((0.05 + GOLDEN * more) % 1.0, 0.75 if more % 2 else 0.5, 0.75)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"

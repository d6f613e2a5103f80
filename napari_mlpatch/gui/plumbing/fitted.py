"""How a caption stands where there is so much room for it: in how many lines, how wide and how high."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import NamedTuple

from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtGui import QFont, QFontMetricsF

from .private import module

DPI = 96.0
"""By which napari measures letters."""
POINT = DPI / 72
"""Pixels of the canvas to those that Qt measures letters in, as napari has it."""
BETWEEN = ": "
"""Where a line may end."""
OPPOSITE = {"left": "right", "right": "left"}


class Fitted(NamedTuple):
    """A text in lines, its width and height in pixels of the canvas."""

    text: str
    width: float
    height: float


def fitted(text: str, size: float, face: str, wide: float) -> Fitted:
    """A text in letters of ``size`` points; what comes last stands below where a line has no room for all."""
    width, height = measured(text, size, face)
    if width > wide and BETWEEN in text:
        text = "\n".join(text.rsplit(BETWEEN, 1))
        width, height = measured(text, size, face)
    return Fitted(text, width, height)


@functools.lru_cache(256)
def measured(text: str, size: float, face: str) -> tuple[float, float]:
    """Width and height in pixels of the canvas; as Qt has them, where this napari has no measure of its own."""
    measure = getattr(module("napari._vispy.utils.text"), "get_text_width_height", None)
    if measure is None:
        font = QFont(face)
        font.setPixelSize(max(1, round(POINT * size)))
        metrics, lines = QFontMetricsF(font), text.split("\n")
        return max(map(metrics.horizontalAdvance, lines)), len(lines) * metrics.lineSpacing()
    width, height = measure(SimpleNamespace(text=text, face=face, font_size=size, bold=False, italic=False))
    return POINT * width, POINT * height


def wide(viewer: Viewer, layer: Layer, room: float) -> float:
    """Pixels that a layer's caption may take of a cell so wide: half, where another stands across from it."""
    beside = viewer.canvas.overlay_tiling.padding[0]
    free = room - 2 * beside
    if viewer.canvas.grid.enabled:
        return free
    edge, _, side = str(layer.name_overlay.position).partition("_")
    across = f"{edge}_{OPPOSITE.get(side, '')}"
    others = (la.name_overlay for la in viewer.layers if la.visible and la is not layer)
    shared = any(overlay.visible and str(overlay.position) == across for overlay in others)
    return (free - beside) / 2 if shared else free

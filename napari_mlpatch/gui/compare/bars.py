"""What explains a picture on the canvas: its caption, the colours, the length."""

from __future__ import annotations

from collections.abc import Sequence

from napari.components.overlays import TextOverlay
from napari.layers import Image, Layer
from napari.viewer import Viewer

from napari_mlpatch.gui.plumbing.letters import measurable
from napari_mlpatch.workbench.captions import lines

from .contrast import Contrast

CELL, SMALL_CELL = 240, 180
"""Pixels of a cell that a colour bar needs, not to cover the picture, and of the one that has it for others, too."""
COLOUR_BAR, SHARE = (10, 100), 0.4
"""Width and height in pixels, and the most of a cell that it is high."""
CORNER = "bottom_right"
"""Of colour bar, label and scale bar, where napari stacks them: names stand in the others."""
LABEL = "mlpatch_colours"


SMALLEST, LARGEST = 7.0, 10.0
"""Sizes of letters in captions."""
LETTER = 1.02
"""Pixels of an average letter's width, for each unit of the size."""
SPACING = 0.02
"""Between two cells of a grid, as a part of the canvas."""
MARGIN = 3
"""Letters that would fit into what napari leaves free beside a caption."""


def letters(width: float) -> int:
    """How many letters of a caption fit into that many pixels, where they are as small as they may be."""
    return max(int(width / (LETTER * SMALLEST)) - MARGIN, 1)


def size_of(longest: int, width: float) -> float:
    """The size of letters at which a caption of so many fits into that many pixels.

    A whole number: of others the system's measure of letters, by which napari draws the shade, is up to a tenth off.
    """
    return max(SMALLEST, min(LARGEST, width // (LETTER * (longest + MARGIN))))


def captions(viewer: Viewer, shown: Sequence[Layer]) -> None:
    """The name of each picture on show stands in its corner, over a shade, in letters that fit: see ``lines``.

    That of a hidden layer is hidden with it.
    """
    grid = viewer.canvas.grid
    named = [layer for layer in shown if isinstance(layer, Image)]
    beside = grid.shape[1] if grid.enabled else min(len(named), 2)
    width = room(viewer, beside)
    longest = max((len(line) for layer in named for line in lines(layer.name, letters(width))), default=0)
    size = size_of(longest, width)
    for layer in viewer.layers:
        if layer in named and layer.name_overlay.font_size != size:
            layer.name_overlay.font_size = size
        if layer.name_overlay.visible != (layer in named) and (layer in named or layer.visible):
            layer.name_overlay.visible = layer in named


def room(viewer: Viewer, beside: int) -> float:
    """The width in pixels of each of so many captions beside each other."""
    beside = max(beside, 1)
    return viewer.window._qt_viewer.canvas.native.width() * (1 - SPACING * (beside - 1)) / beside


def colour_bars(
    viewer: Viewer, shown: Sequence[Layer], contrast: Contrast, cell: tuple[float, float], *, now: bool = True
) -> bool:
    """One for all that share their contrast, in the last of them; one for each where they do not.

    Without ``now``, those that are not on the canvas yet are left out. Returns whether any was.
    """
    images = [layer for layer in shown if isinstance(layer, Image)]
    last = {contrast.group(la) or la: la for la in images} if contrast.linked else {la: la for la in images}
    least = CELL if len(last) == len(images) else SMALL_CELL
    size = (COLOUR_BAR[0], min(COLOUR_BAR[1], round(SHARE * cell[1])))
    painted = viewer.window._qt_window.isVisible()  # before that napari 0.9 does not know the size of its letters
    wanted = set(last.values()) if min(cell) >= least and painted else set()
    later = {layer for layer in wanted if not now and not layer.colorbar.visible}
    wanted -= later
    for layer in viewer.layers:
        corner = "middle_right" if viewer.canvas.grid.enabled else CORNER  # in a grid nothing is stacked
        if isinstance(layer, Image) and layer in wanted and layer.colorbar.position != corner:
            layer.colorbar.position = corner
        if isinstance(layer, Image) and layer in wanted and layer.colorbar.size != size:
            layer.colorbar.size = size
        if isinstance(layer, Image) and layer.colorbar.visible != (layer in wanted):
            measurable(viewer, layer)
            layer.colorbar.font_size = 8
            layer.colorbar.visible = layer in wanted
    return bool(later)


def colour_label(viewer: Viewer, words: str) -> None:
    """What the numbers at the colour bar are, beside it; none where there is no bar, or where captions tell it."""
    overlays = viewer.canvas.overlays
    has_bar = any(isinstance(layer, Image) and layer.visible and layer.colorbar.visible for layer in viewer.layers)
    text = words if has_bar and not viewer.canvas.grid.enabled else ""
    if LABEL not in overlays:
        overlays[LABEL] = TextOverlay(position=CORNER, font_size=8)
    if overlays[LABEL].text != text or overlays[LABEL].visible != bool(text):
        overlays[LABEL].text, overlays[LABEL].visible = text, bool(text)


def scale_bar(viewer: Viewer, shown: Sequence[Layer]) -> None:
    """Shown where pixels have a length, and napari tells its unit.

    It tells none while layers of other kinds of units are in its list, as of an earlier problem: a length without its
    unit would be a wrong one.
    """
    bar = viewer.canvas.overlays.scale_bar
    has_length = any(str(layer.units[-1]) not in ("pixel", "dimensionless") for layer in shown)
    kinds = {str(layer.units[-1].dimensionality) for layer in viewer.layers}
    wanted = has_length and len(kinds) == 1
    if bar.visible != wanted:
        bar.font_size, bar.visible = 8, wanted

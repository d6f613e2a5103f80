"""Letters on the canvas that napari measures before it knows the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

if TYPE_CHECKING:
    from napari.viewer import Viewer

DPI = 96.0
"""What napari itself takes where it does not know the screen's."""


def measurable(viewer: Viewer, layer: Image) -> None:
    """Let a colour bar be switched on whose visual lies in no window, as in a cell that the grid has no more.

    napari (0.9.2) keeps such visuals, and measures their letters before it puts them into a window again: it would
    divide by the dots per inch of none.
    """
    visuals = getattr(viewer.window._qt_viewer.canvas, "_layer_overlay_to_visual", {})
    bar = visuals.get(layer, {}).get(layer.colorbar)
    if bar is not None and bar.node.ticks.transforms.dpi is None:
        bar.node.ticks.transforms.dpi = DPI

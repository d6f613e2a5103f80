"""Which part of a layer is on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer

if TYPE_CHECKING:
    from napari_mlpatch.explore.zoom import Window


def in_view(viewer: Viewer, layer: Image, pixel_ratio: float = 1.0) -> tuple[Window, float] | None:
    """The window of a 2-D layer that is in view, in its pixels, and how many screen pixels one of them takes.

    None where the layer is out of view, and in 3-D. ``pixel_ratio``: screen pixels for each that Qt counts.
    """
    if viewer.dims.ndisplay != 2:
        return None
    camera, size = viewer.scene.camera, np.array(viewer.canvas.size, float)
    if viewer.canvas.grid.enabled:
        size /= viewer.canvas.grid.actual_shape(viewer.layers)
    half = size / 2 / camera.zoom
    centre = np.array(camera.center[-2:], float)
    displayed = list(viewer.dims.displayed[-2:])
    corners = []
    for side in (-1, 1):
        world = np.array(viewer.dims.point, float)
        world[displayed] = centre + side * half
        corners.append(np.asarray(layer.world_to_data(world))[-2:])
    (top, left), (bottom, right) = np.min(corners, 0), np.max(corners, 0)
    rows, columns = layer.data.shape
    top, left = max(top, -0.5), max(left, -0.5)
    bottom, right = min(bottom, rows - 0.5), min(right, columns - 0.5)
    if top >= bottom or left >= right:
        return None
    scale = float(np.abs(np.asarray(layer.scale)[-2:]).min())
    return (float(top), float(left), float(bottom), float(right)), camera.zoom * scale * pixel_ratio

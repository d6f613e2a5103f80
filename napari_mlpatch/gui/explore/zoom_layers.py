"""Pictures on a finer grid, as layers exactly over the picture that they were made from."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.experimental import link_layers
from napari.layers import Image, Layer
from napari.viewer import Viewer

from napari_mlpatch.explore.zoom import FineGrid
from napari_mlpatch.gui.compare.canvas import not_activated
from napari_mlpatch.gui.compare.contrast import SHARED

ROLE = "zoom"


def add_over(
    viewer: Viewer, layer: Image, name: str, values: np.ndarray, grid: FineGrid, above: Image | None = None
) -> Image:
    """A layer that looks like ``layer`` and keeps doing so, right above it or ``above``; what is active stays so."""
    layers = viewer.layers
    with not_activated(viewer):
        made = viewer.add_image(
            values,
            name=name,
            contrast_limits=value_range(layer),
            colormap=layer.colormap,
            gamma=layer.gamma,
            metadata={"mlpatch": {"role": ROLE}},
            axis_labels=layer.axis_labels,
            units=layer.units,
            **place(layer, grid),
        )
    assert isinstance(made, Image)
    link_layers([layer, made], SHARED)
    layers.move(layers.index(made), layers.index(above or layer) + 1)
    return made


def is_zoomed(layer: Layer | None) -> bool:
    """Whether a layer was made here."""
    return layer is not None and layer.metadata.get("mlpatch", {}).get("role") == ROLE


def value_range(layer: Image) -> tuple[float, float]:
    """The contrast limits: what is 0 and 1 to the network."""
    low, high = (float(v or 0.0) for v in layer.contrast_limits)
    return low, max(high, low + 1e-30)


def scaled(data: Any, low: float, high: float) -> np.ndarray:
    return (np.asarray(data, np.float32) - low) / (high - low)


def place(layer: Image, grid: FineGrid) -> dict[str, Any]:
    """Scale and translation that put the grid's pixels where the layer has them."""
    scale = np.asarray(layer.scale)
    return {"scale": scale / grid.factor, "translate": np.asarray(layer.translate) + scale * grid.origin}


def right_half(grid: FineGrid) -> FineGrid:
    skipped = grid.columns // 2
    return FineGrid(grid.factor, grid.top, grid.left + skipped, grid.rows, grid.columns - skipped)

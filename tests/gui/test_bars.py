"""Colour bars on the canvas."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.gui.compare.bars import colour_bars
from napari_mlpatch.gui.compare.contrast import Contrast


def test_a_colour_bar_comes_back_whose_cell_of_the_grid_is_gone(make_napari_viewer, qtbot):
    """napari keeps its visual, which then lies in no window; measuring its letters there raised."""
    viewer = make_napari_viewer(show=True)
    first, second = (viewer.add_image(np.eye(8), name=name) for name in ("a", "b"))
    grid, contrast = viewer.canvas.grid, Contrast()
    viewer.window._qt_viewer.canvas.native.resize(800, 600)

    def bars(*layers):
        colour_bars(viewer, layers, contrast, (400, 400))
        qtbot.wait(1)

    grid.enabled = True
    bars(first, second)
    assert first.colorbar.visible and second.colorbar.visible
    bars()
    second.visible = False
    grid.shape = (1, 1)
    second.visible = True
    bars(first, second)
    assert second.colorbar.visible
    grid.enabled = False
    bars()
    grid.enabled, grid.shape = True, (2, 1)
    bars(first, second)
    assert first.colorbar.visible and second.colorbar.visible

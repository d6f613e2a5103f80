"""napari's list of layers: a row is painted anew where something that it shows has changed."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt

from napari_mlpatch.gui.plumbing.layer_list import paint_what_changed


def test_only_what_a_row_shows_paints_it_anew(make_napari_viewer):
    viewer = make_napari_viewer()
    paint_what_changed(viewer)
    layer = viewer.add_image(np.zeros((4, 4)), name="one")
    model, seen = viewer.window._qt_viewer.layers.model().sourceModel(), []
    model.dataChanged.connect(lambda first, last, roles: seen.append(list(roles)))
    layer.blending = "additive"
    layer.refresh(thumbnail=False)
    viewer.scene.camera.zoom *= 2
    assert not seen
    layer.name = "two"
    assert seen == [[Qt.ItemDataRole.DisplayRole]]
    assert model.data(model.index(0, 0)) == "two"
    layer.visible = False
    assert [Qt.ItemDataRole.CheckStateRole] in seen

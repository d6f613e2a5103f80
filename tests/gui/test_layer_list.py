"""napari's list of layers: a row is painted anew where something that it shows has changed."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QStyleOptionViewItem

from napari_mlpatch.gui.plumbing.layer_list import keep_figures, paint_what_changed, shortened


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


@pytest.mark.parametrize(
    ("name", "figures"), [("U-Net ct-body", "37.47 dB, 0.950"), ("MLPatch-ADMM ct-small", "33.86 dB, 0.897")]
)
def test_figures_of_a_name_are_whole(make_napari_viewer, name, figures):
    viewer = make_napari_viewer()
    keep_figures(viewer)
    viewer.add_image(np.zeros((4, 4)), name=f"{name}: {figures}")
    view = viewer.window._qt_viewer.layers
    index, option = view.model().index(0, 0), QStyleOptionViewItem()
    option.initFrom(view)
    option.rect, option.widget = view.visualRect(index).adjusted(0, 0, 0, 32), view
    metrics = QFontMetrics(option.font)
    rows = view.itemDelegate()
    heads = []
    for width in (4.0, 2.0, 1.5, 1.2, 1.0):  # of the text
        option.rect.setWidth(round(width * metrics.horizontalAdvance(f"{name}: {figures}")))
        rows.initStyleOption(option, index)
        head, tail = option.text.rsplit(": ", 1)
        heads.append(head)
        assert tail == figures and (head == name or (head.endswith("…") and name.startswith(head[:-1])))
    assert heads[0] == name and any(head.endswith("…") for head in heads), "there is no room for it"
    plain, tight = shortened("abcdefgh: 1.25 dB", metrics, 10**4), shortened("abcdefgh: 1.25 dB", metrics, 1)
    assert plain == tight == "abcdefgh: 1.25 dB", "without room for a few letters, it is napari's to cut"

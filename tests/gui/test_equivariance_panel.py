"""The section Equivariance of the Patch microscope."""

import numpy as np
import pytest

from napari_mlpatch import weights
from napari_mlpatch.explore import microscope
from napari_mlpatch.explore.equivariance import TRANSFORMATIONS, deviation
from napari_mlpatch.gui import session

NAME = "mlpatch-gray-small"


@pytest.fixture
def dock(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    image = np.random.default_rng(0).random((40, 44)).astype(np.float32)
    viewer.add_image(image * 3, name="picture", scale=(2, 2), translate=(5, 6), contrast_limits=(0, 3))
    here = session(viewer)
    here.open("Patch microscope")
    dock = here.docks["Patch microscope"]
    dock.weights.setCurrentIndex(dock.weights.findData(NAME))
    yield dock
    here.workbench.close()


def test_table_and_difference(dock, qtbot):
    panel, viewer = dock.equivariance, dock.viewer
    assert not panel.table.isVisible()
    panel.start.click()
    qtbot.waitUntil(lambda: "Click a row" in panel.hint.text(), timeout=60_000)
    assert [panel.table.item(k, 0).text() for k in range(panel.table.rowCount())] == list(TRANSFORMATIONS)
    assert float(panel.table.item(0, 1).text()) <= 1e-4
    row = list(TRANSFORMATIONS).index("quarter turn")
    panel.show_difference(0)
    panel.show_difference(row)
    picture, made = viewer.layers
    assert made.name == "difference: quarter turn" and viewer.layers.selection.active is picture
    expected = deviation(microscope.open_network(weights.find(NAME)), picture.data / 3, 0.1, "quarter turn")
    assert float(panel.table.item(row, 1).text()) == pytest.approx(expected.rms, rel=0.06)
    margin = int(np.argwhere(np.isfinite(expected.difference))[0, 0])
    assert np.allclose(made.data, expected.difference[margin:-margin, margin:-margin], atol=1e-5)
    assert np.allclose(made.data_to_world((0, 0)), picture.data_to_world((margin, margin)))
    viewer.layers.remove(picture)
    panel.show_difference(row)
    assert "gone" in panel.hint.text()
    panel.start.click()
    assert not panel.table.isVisible()
    panel.start.click()  # of the small difference picture
    qtbot.waitUntil(lambda: "at least 32 x 32 pixels" in panel.hint.text(), timeout=60_000)


def test_removing_the_picture_while_it_computes(dock, qtbot):
    panel = dock.equivariance
    panel.start.click()
    dock.viewer.layers.clear()
    qtbot.waitUntil(lambda: panel.table.rowCount() > 1, timeout=60_000)

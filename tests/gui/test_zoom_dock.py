"""The Zoom dock in the real window."""

import itertools

import numpy as np
import pytest
import torch
from qtpy.QtCore import QTimer

from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.explore import microscope
from napari_mlpatch.explore.zoom import bicubic, fine_grid, strips, zoom
from napari_mlpatch.gui import session
from napari_mlpatch.gui.plumbing.in_view import in_view
from napari_mlpatch.workbench.jobs import Latest
from napari_mlpatch.workbench.stepwise import stepwise, stop


@pytest.fixture
def dock(tmp_path, monkeypatch, make_napari_viewer, qtbot):
    """The dock in a window with one picture, scaled and moved, and weights of our own."""
    torch.manual_seed(0)
    network = networks.build("mlpatch", {"rings": 3, "rays": 4, "head": "mlp", "widths": [8], "subtract_mean": True})
    made = networks.describe(network)
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    about = {"noise": None, "data": "none", "steps": 0, "seed": 0, "metrics": {}, "licence": "none"}
    weights.save(
        tmp_path,
        network.state_dict(),
        name="own",
        title="Own",
        method="denoiser",
        architecture=Description(**made),
        **about,
    )
    viewer = make_napari_viewer(show=True)
    image = np.random.default_rng(0).random((24, 30)).astype(np.float32) * 4
    viewer.add_image(
        image, name="picture", scale=(2, 2), translate=(10, 20), contrast_limits=(0, 4), colormap="magma", units="mm"
    )
    here = session(viewer)
    here.open("Zoom")
    dock = here.docks["Zoom"]
    dock.weights.setCurrentIndex(dock.weights.findData("own"))
    yield dock
    here.workbench.close()


def network():
    return microscope.open_network(weights.find("own"))


def refined(dock, qtbot):
    qtbot.waitUntil(lambda: "×" in dock.refined.text() and "refining" not in dock.refined.text(), timeout=60_000)
    return dock.viewer.layers["refined"]


def idle(workbench):
    """Whether nothing is computed or waits to be closed."""
    quick = workbench.quick
    return not quick.running and not quick.ended


def test_the_whole_picture(dock, qtbot):
    viewer, layer = dock.viewer, dock.viewer.layers["picture"]
    dock.compare.setChecked(True)
    dock.whole.factors[4].click()
    assert not dock.whole.factors[2].isEnabled() and dock.whole.stop.isEnabled()
    qtbot.waitUntil(lambda: dock.whole.factors[2].isEnabled(), timeout=60_000)
    assert [made.name for made in viewer.layers] == ["picture", "picture, bicubic ×4", "picture, MLPatch ×4"]
    for made in list(viewer.layers)[1:]:
        assert made.colormap.name == "magma" and made.units == layer.units
        # the corners of both layers are at the same place
        for corner in ((-0.5, -0.5), (23.5, 29.5)):
            fine = [4 * (c + 0.5) - 0.5 for c in corner]
            assert np.allclose(made.data_to_world(fine), layer.data_to_world(corner))
    found = viewer.layers["picture, MLPatch ×4"].data
    assert np.allclose(found, 4 * zoom(network(), layer.data / 4, 0.05, 4), atol=1e-4)
    layer.contrast_limits = (1, 2)
    assert viewer.layers["picture, MLPatch ×4"].contrast_limits == [1, 2]
    assert viewer.layers.selection.active is layer and dock.picture() is layer


def test_refine_what_is_in_view(dock, qtbot):
    viewer, layer = dock.viewer, dock.viewer.layers["picture"]
    viewer.scene.camera.center = (0, 10 + 2 * 12, 20 + 2 * 15)
    viewer.scene.camera.zoom = 20
    view = in_view(viewer, layer)
    assert view is not None and view[1] == 40
    window = view[0]
    height, width = np.array(viewer.canvas.size) / 40
    assert np.allclose(window, np.clip((12 - height / 2, 15 - width / 2, 12 + height / 2, 15 + width / 2), -0.5, 29.5))
    dock.refine.setChecked(True)
    made = refined(dock, qtbot)
    grid = fine_grid(layer.data.shape, 16, window)
    assert made.data.shape == (grid.rows, grid.columns)
    assert np.allclose(made.data, 4 * zoom(network(), layer.data / 4, 0.05, 16, window), atol=1e-4)
    assert np.allclose(made.data_to_world((0, 0)), layer.data_to_world(grid.origin))
    assert viewer.layers.index(made) == 1 and viewer.layers.selection.active is layer

    layer.contrast_limits = (1, 3)  # other values are 0 and 1 to the network now
    other = 1 + 2 * zoom(network(), (layer.data - 1) / 2, 0.05, 16, window)
    qtbot.waitUntil(lambda: np.allclose(made.data, other, atol=1e-4), timeout=60_000)
    layer.contrast_limits = (0, 4)

    dock.compare.setChecked(True)
    qtbot.waitUntil(lambda: "bicubic" in viewer.layers, timeout=60_000)
    refined(dock, qtbot)
    half = viewer.layers["bicubic"]
    assert half.data.shape == (grid.rows, grid.columns - grid.columns // 2) and viewer.layers[-1] is half
    assert np.allclose(half.data, bicubic(layer.data, grid)[:, grid.columns // 2 :], atol=1e-4)

    viewer.scene.camera.center = (0, 10 + 2 * 3, 20 + 2 * 3)  # the same layer shows another part
    corner = (10.0 - 2 * 0.5 * 15 / 16,) * 2 + np.array([0, 10])
    qtbot.waitUntil(lambda: np.allclose(made.translate, corner), timeout=60_000)
    assert refined(dock, qtbot) is made
    viewer.scene.camera.center = (0, 500, 500)
    qtbot.waitUntil(lambda: "out of view" in dock.refined.text(), timeout=60_000)
    dock.refine.setChecked(False)
    assert [made.name for made in viewer.layers] == ["picture"]


def test_removing_layers_while_it_computes(dock, qtbot, gate, monkeypatch):
    viewer = dock.viewer
    monkeypatch.setattr("napari_mlpatch.gui.explore.enlarge_row.strips", gate.before(strips))
    dock.refine.setChecked(True)
    refined(dock, qtbot)
    viewer.layers.remove("refined")
    assert not dock.refine.isChecked()
    dock.refine.setChecked(True)
    dock.whole.factors[8].click()
    viewer.layers.clear()
    assert dock.picture() is None and "none" in dock.image_name.text()
    gate.open()
    qtbot.waitUntil(lambda: dock.whole.factors[2].isEnabled(), timeout=60_000)
    assert len(viewer.layers) == 0
    dock.whole.enlarge(2)  # nothing to enlarge: says so


def test_stop_and_close_while_it_computes(dock, qtbot, gate, monkeypatch):
    viewer, workbench = dock.viewer, dock.workbench
    monkeypatch.setattr("napari_mlpatch.gui.explore.enlarge_row.strips", gate.before(strips))
    dock.whole.factors[8].click()
    qtbot.waitUntil(lambda: gate.reached, timeout=60_000)
    dock.whole.stop.click()
    assert dock.whole.factors[2].isEnabled()
    dock.whole.factors[8].click()
    dock.refine.setChecked(True)
    window, here = viewer.window, session(viewer)
    around = window._wrapped_dock_widgets["Zoom (MLPatch)"]
    QTimer.singleShot(0, lambda: window.remove_dock_widget(around))  # in the event loop, as a click is
    qtbot.waitUntil(lambda: "Zoom" not in here.docks, timeout=60_000)
    viewer.scene.camera.zoom *= 2
    gate.open()
    qtbot.waitUntil(lambda: idle(workbench), timeout=60_000)
    assert "picture, MLPatch ×8" not in viewer.layers


def test_stepwise_lets_others_have_their_turn(qtbot):
    posted = []
    quick = Latest(posted.append)
    seen, ended = [], []

    def run():
        for _ in range(len(posted)):
            posted.pop(0)()

    stepwise(quick, "long", itertools.count, seen.append, lambda: ended.append("long"), ended.append)
    qtbot.waitUntil(lambda: (run(), len(seen) > 3)[1], timeout=60_000)
    quick.call("short", lambda: "short", ended.append, ended.append)
    qtbot.waitUntil(lambda: (run(), "short" in ended)[1], timeout=60_000)
    stop(quick, "long")
    count = len(seen)
    qtbot.waitUntil(lambda: (run(), not quick.ended)[1], timeout=60_000)
    assert len(seen) == count and ended == ["short"]
    stepwise(quick, "long", lambda: iter([1]), seen.append, lambda: ended.append("long"), ended.append)
    qtbot.waitUntil(lambda: (run(), "long" in ended)[1], timeout=60_000)

    def broken():
        yield 1
        raise ValueError("no")

    stepwise(quick, "long", broken, seen.append, lambda: ended.append("long"), lambda error: ended.append(str(error)))
    qtbot.waitUntil(lambda: (run(), "no" in ended)[1], timeout=60_000)
    quick.close()

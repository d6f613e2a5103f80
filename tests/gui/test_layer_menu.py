"""napari's own places: the Layers menu, File > Save, File > IO utilities; called as napari calls them."""

from __future__ import annotations

import numpy as np
import tifffile
import torch
from npe2 import PluginManifest

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.gui.leave import layer_menu
from tests.gui.test_leaving import dialog, ran
from tests.gui.test_window import finished, wait_for

MANIFEST = PluginManifest.from_distribution("napari-mlpatch")


def activate(session, *layers):
    selection = session.viewer.layers.selection
    selection.clear()
    selection.update(layers)
    selection.active = layers[-1] if len(layers) == 1 else None


def layers_of(session, workbench, qtbot):
    wait_for(qtbot, lambda: all(session.stage.layer_of(e) is not None for e in workbench.entries))
    return [session.stage.layer_of(e) for e in workbench.entries]


def test_every_command_of_the_menus_is_there_and_in_a_menu_that_napari_has(make_napari_viewer):
    from napari._app_model.constants import MenuId

    known = {menu.value for menu in MenuId.contributables()}
    menus = MANIFEST.contributions.menus or {}
    assert set(menus) <= known and len(menus) == 4
    commands = {command.id: command for command in MANIFEST.contributions.commands or ()}
    for items in menus.values():
        for item in items:
            module, _, name = commands[item.command].python_name.partition(":")
            assert callable(getattr(__import__(module, fromlist=[name]), name))


def test_run_again_from_a_layer_gives_the_same_picture(simulated, qtbot):
    workbench = ran(simulated, qtbot)
    layer = layers_of(simulated, workbench, qtbot)[1]
    old = workbench.entries[1].result
    workbench.remove_all(workbench.entries[:1])
    activate(simulated, layer)
    layer_menu.run_again()
    wait_for(qtbot, lambda: len(workbench.entries) == 2 and finished(simulated))
    assert torch.equal(workbench.entries[1].result.x, old.x)
    assert workbench.entries[1].result.recipe.method == old.recipe.method


def test_a_saved_picture_is_run_again_compared_and_tells_what_changed(session, qtbot, tmp_path):
    problem = io.samples.problem("shepp-logan-30")
    results = [mp.reconstruct(problem, mp.methods.Tikhonov(iterations=2, weight=w)) for w in (0.1, 1.0)]
    viewer, workbench = session.viewer, session.workbench
    for i, result in enumerate(results):
        io.write_result(tmp_path / f"{i}.tif", result)
        viewer.open(tmp_path / f"{i}.tif", plugin="napari-mlpatch")
    activate(session, *viewer.layers[:2])
    layer_menu.what_changed()
    from napari_mlpatch.gui.leave.changed_dialog import ChangedDialog

    box = dialog(ChangedDialog)
    assert [str(one) for one in box.found] == ["method tikhonov: weight: 0.1 → 1"]
    box.reject()
    activate(session, viewer.layers[0])
    layer_menu.compare()
    wait_for(qtbot, lambda: len(workbench.entries) == 1)
    entry = workbench.entries[0]
    assert torch.equal(entry.result.x, results[0].x)
    assert abs(entry.result.metrics["psnr"] - results[0].metrics["psnr"]) < 1e-6
    activate(session, next(la for la in viewer.layers if la.name == "1"))
    layer_menu.run_again()
    wait_for(qtbot, lambda: len(workbench.entries) == 2 and finished(session))
    torch.testing.assert_close(workbench.entries[1].result.x, results[1].x)


def test_use_as_truth_measures_anew(session, qtbot, phantom):
    from napari_mlpatch.workbench.scene import Scene

    A = mp.operators.ParallelBeam(image_shape=(64, 64), angles_deg="0:180:30", detector_count=92)
    data = mp.simulate(phantom, A, mp.noise.Gaussian(relative=0.05))
    workbench = session.workbench
    workbench.set_scene(Scene(mp.Problem(A, data.y), "measured").show())
    entry = workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(session))
    assert "psnr" not in entry.result.metrics
    activate(session, session.viewer.add_image(phantom, name="photo"))
    layer_menu.use_as_truth()
    wait_for(qtbot, lambda: "psnr" in entry.result.metrics)
    expected = mp.reconstruct(data, mp.methods.FBP()).metrics
    assert abs(entry.result.metrics["psnr"] - expected["psnr"]) < 1e-4
    assert workbench.scene.problem.truth is not None and workbench.present == [entry]


def test_use_as_sinogram_asks_for_the_angles(session, qtbot, phantom):
    A = mp.operators.ParallelBeam(image_shape=(64, 64), angles_deg="0:180:30", detector_count=92)
    y = A(torch.as_tensor(phantom)[None, None])[0, 0].numpy()
    activate(session, session.viewer.add_image(y, name="mine"))
    layer_menu.use_as_sinogram()
    measured = session.docks["Problem"].measured
    assert measured.measurement is not None and measured.measurement.data.shape == (1, 30, 92)
    measured.angles.setText("0:180:30")
    measured.angles.editingFinished.emit()
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    problem = session.workbench.scene.problem
    assert problem.y.shape == (1, 1, 30, 92) and problem.source == {"kind": "memory"}


def test_use_as_mask(session, qtbot):
    painted = np.zeros((32, 32), np.uint8)
    painted[4:8] = 3
    session.viewer.add_image(io.samples.image("shepp-logan", size=32), name="image")
    activate(session, session.viewer.add_labels(painted, name="dead"))
    layer_menu.use_as_mask()
    page = session.docks["Problem"].simulated
    assert page.operator.currentData() == "inpainting"
    page.simulate.click()
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    missing = ~session.workbench.scene.problem.A.sampled.reshape(32, 32).bool().numpy()
    assert np.array_equal(missing, painted > 0)


def test_file_save_keeps_the_recipe(simulated, qtbot, tmp_path):
    workbench = ran(simulated, qtbot)
    layer = layers_of(simulated, workbench, qtbot)[1]
    writers = [w for w in MANIFEST.contributions.writers or () if w.command == "napari-mlpatch.write"]
    assert len(writers) == 1 and {".tif", ".h5", ".fits", ".npy"} <= set(writers[0].filename_extensions)
    for name in ("x.tif", "x.ome.tif", "x.fits", "x.h5"):
        path = str(tmp_path / name)
        assert layer.save(path, plugin="napari-mlpatch") == [path]
        image, recipe = io.read_image(path)
        assert np.array_equal(image, layer.data) and recipe["method"]["name"] == "tikhonov"
        assert io.read_pixel_size(path) == (0.5, "millimeter")
    path = str(tmp_path / "z.ome.tif")
    assert layer.save(path) == [path]
    assert io.read_recipe(path)["method"]["name"] == "tikhonov", "a name that no other writer takes needs no choosing"
    whole = simulated.viewer.add_image(np.arange(12, dtype=np.uint8).reshape(3, 4), name="not ours")
    assert whole.save(str(tmp_path / "y.tif"), plugin="napari-mlpatch")
    assert tifffile.imread(tmp_path / "y.tif").dtype == np.uint8, "pictures of others keep their type"


def test_preferences(simulated, monkeypatch):
    from types import SimpleNamespace

    from napari_mlpatch.core.budget import limit
    from napari_mlpatch.gui.leave import preferences
    from napari_mlpatch.weights import own_folder
    from napari_mlpatch.workbench import threads

    properties = MANIFEST.contributions.configurations["compute"].properties
    assert set(properties) == {"device", "threads", "memory_gb"}
    plain = {name: part.default for name, part in properties.items()}
    workbench, device = simulated.workbench, simulated.docks["Reconstruct"].device
    workbench.devices = ("cpu", "cuda:0")
    monkeypatch.delenv("MLPATCH_WEIGHTS")
    monkeypatch.delenv("MLPATCH_MEMORY_GB", raising=False)

    def say(weights="", **compute):
        settings = SimpleNamespace(compute=SimpleNamespace(**plain | compute), folders=SimpleNamespace(weights=weights))
        preferences.apply(workbench, settings)

    before, fitting = own_folder(), threads.cores()
    say(device="cuda", threads=3, memory_gb=1.5, weights="/somewhere/else")
    assert device.currentText() == "cuda:0" and threads.cores() == 3 and limit() == 1.5 * 2**30
    assert str(own_folder()) == "/somewhere/else"
    device.setCurrentText("cpu")  # by hand
    say(device="cuda")
    assert device.currentText() == "cpu" and threads.cores() == fitting and own_folder() == before
    monkeypatch.setenv("MLPATCH_WEIGHTS", "/of/the/environment")
    say(weights="/somewhere/else")
    assert str(own_folder()) == "/of/the/environment", "what a person has set goes first"
    say()
    assert str(own_folder()) == "/of/the/environment"

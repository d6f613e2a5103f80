"""The main job, driven through the real widgets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_mlpatch.core.registry import methods


def finished(session):
    entries = session.workbench.entries
    return bool(entries) and not any(e.job.active for e in entries)


def wait_for(qtbot, condition, timeout=60_000):
    qtbot.waitUntil(condition, timeout=timeout)


def test_docks_carry_the_names_of_napari_s_menu(session):
    assert {"Problem (MLPatch)", "Reconstruct (MLPatch)", "Compare (MLPatch)"} <= set(
        session.viewer.window.dock_widgets
    )
    session.open_all()
    assert len(session.viewer.window.dock_widgets) == 3, "opening again adds nothing"


def test_simulate_keeps_truth_scale_and_units(simulated):
    scene = simulated.workbench.scene
    assert scene.problem.truth is not None and scene.problem.y.shape == (1, 1, 30, 92)
    preview = next(la for la in simulated.viewer.layers if la.metadata.get("mlpatch", {}).get("role") == "preview")
    np.testing.assert_allclose(preview.scale, (0.5, 0.5))
    assert [str(u) for u in preview.units] == ["millimeter", "millimeter"]


def test_run_all_compare_and_take_away(simulated, qtbot, tmp_path, monkeypatch):
    simulated.docks["Reconstruct"].run_all.click()
    wait_for(qtbot, lambda: finished(simulated))
    entries = simulated.workbench.entries
    fitting = {cls.name for cls in methods if not cls().unsuitable(simulated.workbench.scene.problem.A)}
    assert {e.job.recipe.method.name for e in entries} == fitting - {"reuse"}, "whose weights are of other sizes"
    assert all(bool(e.job.recipe.weights) == methods.get(e.method["name"])().needs_network for e in entries)
    assert all(e.job.state == "done" for e in entries)
    compare = simulated.docks["Compare"]
    assert compare.table.rowCount() == len(entries)
    best = max(entries, key=lambda e: e.result.metrics["psnr"])
    bold = [r for r in range(len(entries)) if compare.table.item(r, 2).font().bold()]
    assert [entries[r] for r in bold] == [best]

    wait_for(qtbot, lambda: all(simulated.stage.layer_of(e) is not None for e in entries))
    layer = simulated.stage.layer_of(best)
    assert layer.data.dtype == np.float32
    np.testing.assert_array_equal(layer.data, best.result.x[0, 0].numpy())
    assert f"{best.result.metrics['psnr']:.2f} dB" in layer.name
    assert layer.metadata["mlpatch"]["recipe"]["method"]["name"] == best.job.recipe.method.name

    from napari_mlpatch import io
    from napari_mlpatch.core.recipe import Recipe

    compare.table.selectRow(entries.index(best))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: (str(tmp_path / "x.tif"), ""))
    said = []
    monkeypatch.setattr("napari_mlpatch.gui.compare.take_away.show_info", said.append)
    compare.take.on_selected(compare.take.save)
    wait_for(qtbot, lambda: bool(said))
    assert "Saved" in said[0]
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        about = json.loads(file.pages[0].description)
    assert (about["pixel_size"], about["unit"]) == (0.5, "millimeter")
    image, recipe = io.read_image(tmp_path / "x.tif")
    np.testing.assert_array_equal(image, layer.data)
    assert Recipe.from_json(recipe) == best.result.recipe


def test_a_rerun_replaces_and_other_parameters_add(simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    for window in ("ramp", "hann", "ramp"):
        dock.form.set_values({"window": window})
        dock.run_button.click()
        wait_for(qtbot, lambda: finished(simulated))
    assert [e.title for e in simulated.workbench.entries] == ["FBP", "FBP window=hann"]
    results = [la for la in simulated.viewer.layers if la.metadata.get("mlpatch", {}).get("role") == "result"]
    assert len(results) == 2


def test_stop_and_keep_then_continue_equals_no_stop(simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.form.set_values({"tolerance": 0.0, "iterations": 10_000})
    dock.run_button.click()
    entry = simulated.workbench.entries[0]
    wait_for(qtbot, lambda: entry.job.k >= 3)
    dock.stop.click()
    wait_for(qtbot, lambda: entry.job.state == "done")
    kept = entry.result
    assert kept.recipe.stopped_at == kept.iterations >= 3
    dock.more.setValue(5)
    dock.resume.click()
    wait_for(qtbot, lambda: entry.job.state == "done" and entry.result is not kept)
    assert entry.result.iterations == kept.iterations + 5
    assert entry.result.recipe.stopped_at is None

    import napari_mlpatch as mp

    straight = mp.reconstruct(simulated.workbench.scene.problem, entry.result.recipe.build_method())
    np.testing.assert_allclose(entry.result.x.numpy(), straight.x.numpy(), atol=1e-5)


def test_cancel_keeps_nothing_and_loses_nothing(simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    dock.run_button.click()
    wait_for(qtbot, lambda: finished(simulated))
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.form.set_values({"tolerance": 0.0, "iterations": 100_000})
    dock.run_button.click()
    entry = simulated.workbench.entries[1]
    wait_for(qtbot, lambda: entry.job.k >= 2)
    dock.cancel.click()
    wait_for(qtbot, lambda: entry.job.state == "cancelled")
    assert [e.title for e in simulated.workbench.entries] == ["FBP"]
    assert sum(la.metadata.get("mlpatch", {}).get("role") == "result" for la in simulated.viewer.layers) == 1


def test_deleting_the_layer_of_a_running_job_is_harmless(simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.form.set_values({"tolerance": 0.0, "iterations": 60})
    dock.run_button.click()
    entry = simulated.workbench.entries[0]
    wait_for(qtbot, lambda: simulated.stage.layer_of(entry) is not None)
    simulated.viewer.layers.remove(simulated.stage.layer_of(entry))
    wait_for(qtbot, lambda: finished(simulated))
    assert entry.job.state == "done" and simulated.stage.layer_of(entry) is None
    simulated.docks["Compare"].table.item(0, 0).setCheckState(Qt.CheckState.Checked)
    wait_for(qtbot, lambda: simulated.stage.layer_of(entry) is not None)  # the tick in the table brings it back


def test_grid_and_residuals(simulated, qtbot):
    for name in ("fbp", "tikhonov", "tv"):
        simulated.workbench.run(methods.get(name)())
    wait_for(qtbot, lambda: finished(simulated))
    compare = simulated.docks["Compare"]
    compare.bar.kind.setCurrentIndex(compare.bar.kind.findData("error"))
    compare.bar.actions_of["grid"].trigger()

    def shown():
        return [la for la in simulated.viewer.layers if la.visible]

    wait_for(qtbot, lambda: len(shown()) == 6)
    roles = [la.metadata["mlpatch"]["role"] for la in shown()]
    assert roles == ["result"] * 3 + ["error"] * 3
    entry = simulated.workbench.entries[0]
    error = next(la for la in shown() if la.metadata["mlpatch"] == {"role": "error", "entry": entry.id})
    truth = simulated.workbench.scene.problem.truth
    np.testing.assert_allclose(error.data, (entry.result.x - truth)[0, 0].numpy(), atol=1e-6)
    limits = {tuple(la.contrast_limits) for la in shown() if la.metadata["mlpatch"]["role"] == "error"}
    assert len(limits) == 1, "errors are compared on one scale"


@pytest.mark.parametrize("name", ["fbp", "tv", "tikhonov"])
def test_forms_build_the_method_with_its_defaults(session, name):
    from napari_mlpatch.core.registry import methods

    dock = session.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData(name))
    assert dock.chosen() == methods.get(name)()
    assert not dock.run_button.isEnabled() and "No data" in dock.reason.text()


def test_measured_sample_finds_its_centre(session, qtbot):
    page = session.docks["Problem"].measured
    page.load_sample("tooth")
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    scene = session.workbench.scene
    assert abs(scene.problem.A.axis_bin - 296) < 0.7
    assert "found by" in page.center_note.text()
    assert scene.problem.source["kind"] == "sample"
    session.docks["Problem"].measured.strip.make()
    strip = page.strip
    wait_for(qtbot, lambda: strip.layer is not None)
    assert strip.layer.data.shape == (11, 640, 640)
    session.viewer.dims.set_current_step(0, 8)
    wanted = strip.current()
    strip.adopt.click()
    wait_for(qtbot, lambda: session.workbench.scene is not scene)
    assert session.workbench.scene.problem.A.axis_bin == pytest.approx(wanted)
    assert strip.layer is None


@pytest.mark.parametrize("content", [b"", b"II*\0garbage", b"\x89HDF\r\n\x1a\n" + b"x" * 50])
def test_a_bad_file_says_so_and_changes_nothing(simulated, qtbot, tmp_path, content):
    path = tmp_path / "bad.h5"
    path.write_bytes(content)
    before, layers = simulated.workbench.scene, list(simulated.viewer.layers)
    messages = []
    simulated.workbench.failed.connect(messages.append)
    simulated.docks["Problem"].measured.load(path)
    wait_for(qtbot, lambda: bool(messages))
    assert str(path) in messages[0]
    assert simulated.workbench.scene is before and list(simulated.viewer.layers) == layers


def test_wrong_numbers_in_the_form_are_explained(session, qtbot, tmp_path):
    data = np.random.default_rng(0).random((20, 32), dtype=np.float32)
    np.save(tmp_path / "y.npy", data)
    page = session.docks["Problem"].measured
    page.load(tmp_path / "y.npy")
    wait_for(qtbot, lambda: "20" in page.problem_text.text())
    page.angles.setText("0:180:19")
    page.apply()
    wait_for(qtbot, lambda: "19 angles" in page.problem_text.text())
    assert session.workbench.scene is None
    page.angles.setText("0:180:20")
    page.apply()
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    assert not page.problem_text.isVisibleTo(page)


def test_outliers_are_told_and_replaced(session, qtbot, tmp_path):
    data = np.ones((40, 48), np.float32) + 0.01 * np.random.default_rng(0).random((40, 48), dtype=np.float32)
    data[20, 30] = 9.0
    np.save(tmp_path / "y.npy", data)
    page = session.docks["Problem"].measured
    page.load(tmp_path / "y.npy")
    wait_for(qtbot, lambda: "angles" in page.problem_text.text())
    page.angles.setText("0:180:40")
    page.apply()
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    assert any("row 20, bin 30" in note for note in session.workbench.scene.notes)
    assert page.found.text().count("row 20, bin 30") == 1 and "row 20" not in page.center_note.text()
    assert float(session.workbench.scene.problem.y.max()) == 9.0
    page.outliers.setValue(10)
    wait_for(qtbot, lambda: float(session.workbench.scene.problem.y.max()) < 2.0)
    assert session.workbench.scene.problem.source["options"]["outliers"] == 10


def test_reader_hands_the_file_to_the_problem_dock(session, qtbot, tmp_path):
    import napari_mlpatch as mp
    from napari_mlpatch.gui.problem.readers import get_reader

    problem = mp.Problem(
        mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg="0:180:20", detector_count=46),
        np.ones((20, 46), "f4"),
    )
    path = str(tmp_path / "m.h5")
    mp.io.write_measurement(path, problem)
    for data, about, _ in get_reader(path)(path):
        session.viewer.add_image(data, **about)
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    assert session.workbench.scene.problem.A == problem.A
    assert get_reader("picture.png") is None


def test_recipe_of_a_simulation_is_complete(simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    dock.run_button.click()
    wait_for(qtbot, lambda: finished(simulated))
    recipe = json.loads(simulated.workbench.entries[0].result.recipe.to_json())
    assert recipe["noise"]["name"] == "gaussian" and recipe["data"]["source"]["kind"] == "simulated"


def test_removing_a_row_whose_job_is_queued_removes_that_row_alone(simulated, qtbot):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.form.set_values({"tolerance": 0.0, "iterations": 100_000})
    dock.run_button.click()
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    dock.run_button.click()
    running, queued = simulated.workbench.entries
    simulated.workbench.remove(queued)
    assert simulated.workbench.entries == [running] and queued.job.state == "cancelled"


def test_a_file_is_named_as_the_origin_only_where_it_gives_the_same_values(tmp_path):
    from PIL import Image as Picture

    from napari_mlpatch import io
    from napari_mlpatch.gui.problem.from_layer import origin_of

    raw = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Picture.fromarray(raw).save(tmp_path / "raw.png")
    np.save(tmp_path / "image.npy", raw.astype(np.float32))
    source = origin_of(str(tmp_path / "image.npy"), raw.astype(np.float32))
    assert np.array_equal(io.open_image(source), raw.astype(np.float32))
    assert origin_of(str(tmp_path / "raw.png"), raw.astype(np.float32)) == {"kind": "memory"}  # ours are 0..1
    assert origin_of(None, raw) == origin_of(str(tmp_path / "gone.npy"), raw) == {"kind": "memory"}


def test_an_error_while_showing_does_not_end_the_queue(simulated, qtbot, monkeypatch):
    from napari_mlpatch.workbench import jobs

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "to_image", lambda x: 1 / 0)
        simulated.workbench.run(methods.get("fbp")())
        job = simulated.workbench.queue.jobs[-1]
        wait_for(qtbot, lambda: job.state == "failed")
        assert "ZeroDivisionError" in job.message
    entry = simulated.workbench.run(methods.get("tikhonov")())
    wait_for(qtbot, lambda: entry.result is not None)

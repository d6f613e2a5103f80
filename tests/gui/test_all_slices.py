"""All slices of a stack from the window: looked through, tried, cared for, run, interrupted, opened again."""

from __future__ import annotations

import threading
from pathlib import Path

import dask.array
import h5py
import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.batch.replay import read_recipe
from napari_mlpatch.cli import main
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.gui.leave.writer import write
from napari_mlpatch.gui.stacks.run_rows import RunRows
from napari_mlpatch.stacks import left
from napari_mlpatch.stacks.job import Tools
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.opened import open_volume
from napari_mlpatch.stacks.planes import Planes
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe
from tests.gui.test_keys import press
from tests.gui.test_window import finished, wait_for

SLICES, SIZE = 6, 24


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Discs that grow with the height, as counts in Data Exchange; one bin has an offset."""
    row, column = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    x = np.stack([0.05 * ((row - 2) ** 2 + column**2 < (3 + k) ** 2) for k in range(SLICES)]).astype(np.float32)
    angles = np.linspace(0.0, 180.0, 20, endpoint=False)
    A = mp.operators.ParallelBeam(image_shape=(SIZE, SIZE), angles_deg=tuple(angles), detector_count=SIZE)
    y = A(torch.from_numpy(x)[:, None])[:, 0].numpy()
    y[:, :, 8] += 0.3
    path = tmp_path_factory.mktemp("scan") / "scan.h5"
    with h5py.File(path, "w") as file:
        file["exchange/data"] = (20000 * np.exp(-y)).swapaxes(0, 1).round().astype(np.uint16)
        file["exchange/data_white"] = np.full((1, SLICES, SIZE), 20000, np.uint16)
        file["exchange/data_dark"] = np.zeros((1, SLICES, SIZE), np.uint16)
        file["exchange/theta"] = angles
    return path


@pytest.fixture
def tuned(session, scan, qtbot, tmp_path):
    """The dock of all slices, after a slice was reconstructed with the real widgets."""
    page, bench = session.docks["Problem"].measured, session.workbench
    page.load(scan)
    wait_for(qtbot, lambda: bench.scene is not None)
    reconstruct = session.docks["Reconstruct"]
    reconstruct.method.setCurrentIndex(reconstruct.method.findData("fbp"))
    reconstruct.run_button.click()
    wait_for(qtbot, lambda: finished(session))
    assert reconstruct.panel.slices.text() == f"All {SLICES} slices…" and not reconstruct.panel.slices.isHidden()
    reconstruct.panel.slices.click()
    dock = session.docks["All slices"]
    session.viewer.window._qt_window.show()
    wait_for(qtbot, lambda: dock.cost is not None)
    dock.output.set_path(str(tmp_path / "volume.zarr"))
    return dock


def expected(dock, scan):
    """Every slice alone, by the recipe of the one that was tuned."""
    recipe = dock.base.recipe.recipe
    options = {k: v for k, v in recipe.data.source["options"].items() if k != "slice"}
    problems = [io.load(scan).problem(**options, slice=k) for k in range(SLICES)]
    return np.stack([mp.reconstruct(p, recipe.build_method()).x[0, 0].numpy() for p in problems])


def ended(dock):
    return not dock.stacks.running and dock.stacks.finished is not None


def dropped(session, path, qtbot):
    """The layer of a volume that is opened as napari opens what is dropped."""
    assert session.viewer.open(str(path), plugin="napari-mlpatch") == [], "it comes by itself"
    wait_for(qtbot, lambda: bool(session.volumes.find(path)))
    (layer,) = session.volumes.find(path)
    return layer


def test_the_stack_is_looked_through_and_a_slice_is_taken(session, scan, qtbot):
    page, bench = session.docks["Problem"].measured, session.workbench
    page.load(scan)
    wait_for(qtbot, lambda: bench.scene is not None)
    page.all_slices.show_all.click()
    wait_for(qtbot, lambda: page.all_slices.layer is not None)
    layer = page.all_slices.layer
    assert isinstance(layer.data, dask.array.Array) and layer.data.shape == (SLICES, 20, SIZE)
    wait_for(qtbot, lambda: np.array_equal(np.asarray(layer.data[1]), io.load(scan).data[1]))  # another thread reads it
    session.viewer.dims.set_current_step(0, 1)
    assert page.all_slices.take.text() == "Take slice 1"
    page.all_slices.take.click()
    wait_for(qtbot, lambda: bench.scene.problem.source["options"]["slice"] == 1)
    assert layer not in session.viewer.layers


def test_from_a_slice_to_the_volume(tuned, session, scan, qtbot):
    assert f"{SLICES} slices" in tuned.about.text() and "FBP" in tuned.how.text()
    tuned.rows.strip.click()
    wait_for(qtbot, lambda: len(tuned.trials.pictures) == 5)
    want = expected(tuned, scan)
    for index, picture in tuned.trials.pictures.items():
        np.testing.assert_allclose(picture, want[index], atol=1e-6)
    tuned.trials.strip.close()
    tuned.rows.run.click()
    wait_for(qtbot, lambda: ended(tuned))
    volumes = session.volumes
    wait_for(qtbot, lambda: [la.name for la in volumes.find(tuned.output.path())] == ["volume"])
    (layer,) = volumes.find(tuned.output.path())
    assert isinstance(layer.data, dask.array.Array) and layer.data.chunksize == (1, SIZE, SIZE)
    np.testing.assert_allclose(np.asarray(layer.data), want, atol=1e-6)
    assert f"{SLICES} of {SLICES} slices" in tuned.rows.status.text() and not tuned.rows.pause.isEnabled()
    tuned.rows.run.click()  # nothing is left
    wait_for(qtbot, lambda: ended(tuned))
    tuned.slices.first.setValue(2)
    tuned.rows.run.click()
    wait_for(qtbot, lambda: not tuned.stacks.running)
    assert "the recipe differs" in tuned.rows.failures.text()


def test_care_has_an_order_is_shown_before_and_after_and_stands_in_the_picture(tuned, scan, qtbot, tmp_path):
    for name in ("dead-stripes", "rings"):
        tuned.care.kind.setCurrentIndex(tuned.care.kind.findData(name))
        tuned.care.add.click()
    tuned.care.form.set_values({"width": 9})
    tuned.care.form.changed.emit()
    tuned.care.up.click()
    assert [(s["name"], s["params"].get("width")) for s in tuned.care.steps()] == [("rings", 9), ("dead-stripes", None)]
    tuned.care.list.setCurrentRow(1)
    tuned.care.remove.click()
    assert [step.name for step in tuned.recipe().care] == ["rings"]
    tuned.try_care.click()
    wait_for(qtbot, lambda: tuned.trials.cared is not None)
    captions = [button.text() for button in tuned.trials.cared.buttons]
    assert captions[:2] == ["sinogram before", "sinogram after"] and captions.count("taken off") == 2
    assert "made without the care below" in tuned.how.text()
    told = {b.text(): b for b in tuned.trials.cared.buttons}
    told["picture after"].click()
    kept = str(tmp_path / "cared.tif")
    write(kept, tuned.viewer.layers[-1].data, tuned.viewer.layers[-1].as_layer_data_tuple()[1])
    with pytest.raises(InputError, match="mlpatch batch run"):
        read_recipe(kept)
    again = str(tmp_path / "again.tif")
    assert main(["batch", "run", kept, str(scan), "--out", again]) == 0
    np.testing.assert_allclose(open_volume(again).levels[0][0], tuned.viewer.layers[-1].data, atol=1e-6)
    tuned.trials.cared.buttons[2].click()
    off = tuned.viewer.layers[-1].data
    assert np.abs(off[:, 8]).max() > 0.1 and np.abs(off[:, 12:]).max() < 0.05, "the offset of that bin, and little else"
    tuned.trials.cared.close()


def test_return_never_replaces_a_volume(tuned, qtbot, monkeypatch):
    begun = []
    monkeypatch.setattr(tuned.stacks, "start", lambda *given, **more: begun.append(given[3]))
    wait_for(qtbot, lambda: tuned.rows.run.isEnabled())
    tuned.rows.anew.setChecked(True)
    for box in (tuned.output.name, tuned.slices.first, tuned.slices.last):
        press(box, Qt.Key.Key_Return)
    assert begun == [] and tuned.rows.anew.isChecked()
    tuned.rows.run.click()
    assert begun == [True] and not tuned.rows.anew.isChecked()
    press(tuned.output.name, Qt.Key.Key_Return)
    assert begun == [True, False]


def test_paused_cancelled_and_gone_on_with(tuned, session, scan, qtbot, gate, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Tools, "compute", gate.before(Tools.compute))
        tuned.rows.run.click()
        wait_for(qtbot, lambda: gate.reached and bool(session.volumes.find(tuned.output.path())))
        (layer,) = session.volumes.find(tuned.output.path())
        assert "in part" in layer.name and not np.asarray(layer.data).any(), "it is there before its first slice"
        tuned.rows.pause.click()
        assert tuned.rows.pause.text() == "Go on" and "paused" in tuned.rows.status.text()
        tuned.rows.cancel.click()
        gate.open()
        wait_for(qtbot, lambda: ended(tuned))
    assert tuned.stacks.finished.cancelled and tuned.rows.run.text() == "Go on: 6 of 6 are left"
    half = open_volume(tuned.output.path())
    assert not half.complete

    session.workbench.remove(session.workbench.entries[0])
    tuned.output.set_path("")
    session.viewer.layers.clear()
    layer = dropped(session, half.path, qtbot)
    assert layer.data.shape == (SLICES, SIZE, SIZE) and layer.name == "volume (in part)"
    wait_for(qtbot, lambda: tuned.output.path() == str(half.path))
    assert "the run that made volume.zarr" in tuned.how.text()
    wait_for(qtbot, lambda: tuned.rows.run.isEnabled())
    tuned.rows.run.click()
    wait_for(qtbot, lambda: ended(tuned) and tuned.stacks.finished.complete)
    wait_for(qtbot, lambda: [la.name for la in session.viewer.layers] == ["volume"])
    session.viewer.layers.clear()
    layer = dropped(session, half.path, qtbot)
    np.testing.assert_allclose(np.asarray(layer.data), expected(tuned, scan), atol=1e-6)
    assert layer.name == "volume" and tuple(layer.scale) == half.spacing


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume.tif", "volume"])
def test_a_dropped_volume_comes_in_steps_and_is_read_elsewhere(name, session, scan, qtbot, tmp_path, monkeypatch):
    recipe = Recipe.of(io.read_measurement(scan), mp.methods.FBP(), device="cpu")
    list(run_stack(StackRecipe(recipe=recipe, block=2), scan, tmp_path / name))
    threads, read, want = [], Planes.__getitem__, open_volume(tmp_path / name).levels[0][4]

    def noted(self, index):
        threads.append(threading.current_thread())
        return read(self, index)

    monkeypatch.setattr(Planes, "__getitem__", noted)
    session.viewer.add_image(np.zeros((4, 5)), name="other")
    layer = dropped(session, tmp_path / name, qtbot)
    wait_for(qtbot, lambda: session.viewer.layers.selection.active is layer)
    session.viewer.dims.set_current_step(0, 4)
    wait_for(qtbot, lambda: np.array_equal(layer._data_view, want))
    assert session.viewer.layers["other"].visible and tuple(layer.contrast_limits) != (0.0, 1.0)
    assert threads and threading.main_thread() not in threads


def test_a_volume_without_the_docks_is_a_layer_of_napari(make_napari_viewer, scan, tmp_path):
    recipe = Recipe.of(io.read_measurement(scan), mp.methods.FBP(), device="cpu")
    list(run_stack(StackRecipe(recipe=recipe, block=2), scan, tmp_path / "volume.zarr"))
    (layer,) = make_napari_viewer().open(str(tmp_path / "volume.zarr"), plugin="napari-mlpatch")
    assert layer.data.shape == (SLICES, SIZE, SIZE) and layer.name == "volume"


def test_a_damaged_volume_is_told(session, scan, qtbot, tmp_path, monkeypatch):
    recipe = Recipe.of(io.read_measurement(scan), mp.methods.FBP(), device="cpu")
    list(run_stack(StackRecipe(recipe=recipe, block=2), scan, tmp_path / "volume.zarr"))
    (tmp_path / "volume.zarr" / "0" / "zarr.json").unlink()
    told = []
    session.workbench.failed.connect(told.append)
    assert session.viewer.open(str(tmp_path / "volume.zarr"), plugin="napari-mlpatch") == []
    wait_for(qtbot, lambda: bool(told))
    assert "is damaged" in told[0] and not session.viewer.layers


def test_what_failed_is_told_and_repeated(tuned, qtbot, monkeypatch):
    compute = Tools.compute

    def sometimes(self, loaded, start, *more):
        if start == 2:
            raise InputError("the lamp was off")
        return compute(self, loaded, start, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Tools, "compute", sometimes)
        tuned.rows.run.click()
        wait_for(qtbot, lambda: ended(tuned))
    assert "4 of 6 slices, 2 failed: the lamp was off, in slices 2 to 3" in tuned.rows.status.text()
    assert tuned.rows.failures.text() == "slices 2 to 3: the lamp was off"
    assert tuned.rows.run.text() == "Repeat the 2 that failed"
    tuned.rows.run.click()
    wait_for(qtbot, lambda: ended(tuned))
    assert tuned.stacks.finished.complete and not tuned.rows.failures.text()


def test_opened_again_it_says_what_is_left_and_what_failed(session, scan, qtbot, tmp_path, monkeypatch):
    recipe = Recipe.of(io.read_measurement(scan), mp.methods.FBP(), device="cpu")
    out, compute = tmp_path / "volume.zarr", Tools.compute

    def sometimes(self, loaded, start, *more):
        if start == 0:
            raise InputError("the lamp was off")
        return compute(self, loaded, start, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Tools, "compute", sometimes)
        list(run_stack(StackRecipe(recipe=recipe, block=2), scan, out))
    (Markers(out).folder / "000002").unlink()  # as if it had been killed before
    session.viewer.window._qt_window.show()
    dropped(session, out, qtbot)
    wait_for(qtbot, lambda: "All slices" in session.docks)
    dock = session.docks["All slices"]
    wait_for(qtbot, lambda: dock.rows.run.isEnabled() and dock.rows.left is not None)
    assert dock.rows.run.text() == "Go on: 4 of 6 are left"
    assert dock.rows.status.text() == "2 of 6 slices, 2 failed: the lamp was off, in slices 0 to 1"
    assert dock.rows.failures.text() == "slices 0 to 1: the lamp was off" and not dock.rows.failures.isHidden()
    assert (dock.rows.bar.value(), dock.rows.bar.maximum()) == (2, 6)
    dock.slices.last.setValue(3)
    wait_for(qtbot, lambda: dock.rows.run.text() == "Run on all slices")
    assert not dock.rows.status.text() and dock.rows.failures.isHidden(), "that would be another run"
    dock.slices.last.setValue(5)
    wait_for(qtbot, lambda: dock.rows.run.text() == "Go on: 4 of 6 are left")
    dock.rows.run.click()
    wait_for(qtbot, lambda: ended(dock))
    assert dock.stacks.finished.complete and dock.rows.run.text() == "Run on all slices"


def test_what_is_left_is_that_of_the_output_that_is_named(tuned, qtbot, gate, monkeypatch, tmp_path):
    first, second = tuned.output.path(), str(tmp_path / "other.zarr")
    with monkeypatch.context() as patch:
        patch.setattr(Tools, "compute", gate.before(Tools.compute))
        tuned.rows.run.click()
        wait_for(qtbot, lambda: gate.reached)
        tuned.output.set_path(second)  # while the first is being made
        gate.open()
        wait_for(qtbot, lambda: ended(tuned))
    assert tuned.stacks.finished.complete and tuned.rows.left is None
    said = f"{SLICES} of {SLICES} slices"
    assert tuned.rows.status.text().startswith(f"{Path(first).name}: {said}") and tuned.rows.bar.value() == 0

    tuned.output.set_path(first)
    wait_for(qtbot, lambda: tuned.rows.left is not None and tuned.rows.left.complete)
    assert tuned.rows.status.text().startswith(said) and tuned.rows.bar.value() == SLICES
    tuned.output.set_path(second)
    wait_for(qtbot, lambda: tuned.rows.status.text().startswith(f"{Path(first).name}: {said}"))
    assert tuned.rows.bar.value() == 0 and tuned.rows.run.text() == "Run on all slices"
    tuned.output.set_path(first)
    wait_for(qtbot, lambda: tuned.rows.left is not None and tuned.rows.left.complete)
    asked, drawn = left.left_of, []
    with monkeypatch.context() as patch:
        patch.setattr(left, "left_of", lambda *about: drawn.append(asked(*about)) or drawn[0])
        patch.setattr(RunRows, "draw", lambda rows: drawn.append(rows.left))
        tuned.left._look()
        tuned.output.set_path(second)
        tuned.left._timer.stop()  # the answer on the first comes before the second is asked for
        wait_for(qtbot, lambda: len(drawn) > 1)
    assert str(drawn[0].path) == first and drawn[1:] == [None] and tuned.rows.left is None


def test_a_result_of_data_in_memory_says_why_not(simulated, qtbot):
    simulated.workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(simulated))
    simulated.show("All slices")
    dock = simulated.docks["All slices"]
    assert "data in memory" in dock.reason.text() and not dock.reason.isHidden()
    assert not dock.rows.run.isEnabled() and not dock.rows.strip.isEnabled()

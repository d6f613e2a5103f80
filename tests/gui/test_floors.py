"""Complaints about other workbenches that none of ours may earn: those that no other test covers.

`tests/test_floors.py` says for every one of them which test does.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.registry import methods
from napari_mlpatch.methods.tv import TV
from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.scene import Scene
from tests.gui.test_window import finished, wait_for


def test_five_keystrokes_ask_for_one_estimate(simulated, qtbot, monkeypatch):
    dock, asked = simulated.docks["Reconstruct"], []
    wait_for(qtbot, lambda: not dock._debounce.isActive())
    monkeypatch.setattr(simulated.workbench, "estimate", lambda method, *a, **k: asked.append(method))
    for weight in (1.0, 0.1, 0.12, 0.123, 0.1234):
        dock.form.set_values({"weight": weight})
        dock._check()
    assert not asked, "nothing is computed while a person types"
    wait_for(qtbot, lambda: bool(asked))
    assert not dock._debounce.isActive() and [m.weight for m in asked] == [0.1234]


def test_out_of_memory_ends_the_job_with_words_and_the_next_one_runs(simulated, qtbot, monkeypatch):
    workbench, dock, told = simulated.workbench, simulated.docks["Reconstruct"], []
    workbench.failed.connect(told.append)

    def no_room(self, *args, **kwargs):
        raise MemoryError("9 GB")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(TV, "solve", no_room)
        job = workbench.run(mp.methods.TV(iterations=3)).job
        wait_for(qtbot, lambda: not job.active)
    assert job.state == "failed" and "memory" in job.message.lower() and told
    assert not workbench.entries and not dock.cancel.isEnabled() and dock.bar.maximum() > 0, "no spinner stays"
    entry = workbench.run(mp.methods.TV(iterations=3))
    wait_for(qtbot, lambda: finished(simulated))
    assert entry.job.state == "done"


def test_pictures_keep_the_units_of_the_data(session, phantom, qtbot):
    A = mp.operators.ParallelBeam(image_shape=(64, 64), angles_deg=range(0, 180, 6), detector_count=91)
    x = 1000.0 * torch.as_tensor(np.asarray(phantom), dtype=torch.float32)[None, None] - 200.0
    session.workbench.set_scene(Scene(mp.Problem(A, A(x), truth=x), "in Hounsfield units").show())
    entry = session.workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(session) and session.stage.layer_of(entry) is not None)
    data = np.asarray(session.stage.layer_of(entry).data)
    assert data.dtype == np.float32
    np.testing.assert_array_equal(data, entry.result.x[0, 0].numpy())
    assert data.max() > 500 and data.min() < -100, "neither 0..255 nor 0..65535"


@pytest.mark.parametrize("value", [1e6, -1e6, np.inf, np.nan])
def test_one_hot_pixel_does_not_make_an_image_black(value):
    image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    usual = contrast_limits(image)
    image[20, 30] = value
    np.testing.assert_allclose(contrast_limits(image), usual, atol=0.05)


def test_what_cannot_run_says_why(session, qtbot):
    x = torch.rand(1, 1, 32, 32)
    A = mp.operators.Inpainting(image_shape=(32, 32))
    session.workbench.set_scene(Scene(mp.simulate(x, A, noise=mp.noise.Gaussian(std=0.1), seed=0), "mask").show())
    box = session.docks["Reconstruct"].method
    for row in range(box.count()):
        reason = methods.get(box.itemData(row))().unsuitable(A)
        item = box.model().item(row)
        assert item.isEnabled() == (not reason) and item.toolTip() == reason
    assert any(not box.model().item(row).isEnabled() for row in range(box.count())), "FBP needs projections"


def test_no_run_leaves_a_stray_layer(simulated, qtbot):
    workbench, viewer = simulated.workbench, simulated.viewer
    for _ in range(3):
        workbench.run(mp.methods.Tikhonov(iterations=3))
        wait_for(qtbot, lambda: finished(simulated) and simulated.stage.layer_of(workbench.entries[0]) is not None)
        names = [layer.metadata.get("mlpatch", {}).get("role") for layer in viewer.layers]
        assert names.count("result") == 1
    workbench.remove(workbench.entries[0])
    assert "result" not in [layer.metadata.get("mlpatch", {}).get("role") for layer in viewer.layers]

"""Iterations as an axis: the real slider and buttons of the Compare dock."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.events import Done
from napari_mlpatch.core.run import run
from tests.gui.test_window import finished, wait_for


@pytest.fixture
def ran(simulated, qtbot):
    """A session with one result of 12 iterations, and the tab of its iterations in front."""
    workbench = simulated.workbench
    entry = workbench.run(mp.methods.TV(iterations=12, tolerance=0.0))
    wait_for(qtbot, lambda: finished(simulated))
    tab = simulated.docks["Compare"].plots.plot("iterations")
    wait_for(qtbot, lambda: len(tab.ks) == 12)
    return simulated, entry, tab


def test_scrub_keep_continue_and_start(ran, qtbot):
    session, entry, tab = ran
    workbench, recorder = session.workbench, entry.job.iterates
    assert tab.slider.isEnabled() and not tab.keep.isEnabled() and tab.place.text() == "12 / 12"

    tab.slider.setValue(3)  # the fourth iterate
    wait_for(qtbot, lambda: tab.looking == 4)
    (layer,) = [la for la in session.viewer.layers if la.visible]
    assert "iteration 4" in layer.name and np.array_equal(layer.data, recorder.at(4)[0, 0].numpy())
    assert tab.place.text() == "4 / 12" and f"PSNR {recorder.scalars[4]['psnr']:.2f} dB" in tab.numbers.text()
    workbench.entries_changed.emit()  # whatever else happens meanwhile
    qtbot.wait(50)
    assert layer.visible and tab.looking == 4

    tab.keep.click()
    wait_for(qtbot, lambda: len(workbench.entries) == 2)
    kept = workbench.entries[1]
    assert workbench.selected is kept and kept.result.recipe.stopped_at == 4 and "stopped at 4" in kept.title
    *_, again = run(kept.result.recipe, entry.scene.problem)
    assert isinstance(again, Done) and torch.equal(again.result.x, recorder.at(4))
    assert kept.number != entry.number
    wait_for(qtbot, lambda: layer not in session.viewer.layers)

    tab.start.click()  # the kept one has one picture only
    reconstruct = session.docks["Reconstruct"]
    assert workbench.begins is kept and reconstruct.start.currentData() is kept
    reconstruct.method.setCurrentIndex(reconstruct.method.findData("fbp"))
    assert not reconstruct.start.isEnabled() and "one step" in reconstruct.start.toolTip()
    reconstruct.method.setCurrentIndex(reconstruct.method.findData("tikhonov"))
    assert reconstruct.start.isEnabled() and reconstruct.start.currentData() is kept
    reconstruct.run_button.click()
    wait_for(qtbot, lambda: finished(session))
    warm = workbench.entries[2]
    assert warm.result.recipe.start.recipe == kept.result.recipe and "warm start" in warm.title

    workbench.select(entry)
    tab.more.setValue(3)
    wait_for(qtbot, lambda: tab.entry is entry and tab.resume.isEnabled())
    tab.resume.click()
    wait_for(qtbot, lambda: finished(session) and entry.result.iterations == 15)
    wait_for(qtbot, lambda: tab.ks == list(range(1, 16)))
    workbench.select(kept)  # of which no state was kept
    wait_for(qtbot, lambda: tab.entry is kept and tab.resume.isEnabled())
    tab.resume.click()
    wait_for(qtbot, lambda: finished(session) and kept.result.iterations == 7)
    assert torch.equal(kept.result.x, entry.job.iterates.at(7))


def test_the_best_ones(ran, qtbot):
    session, entry, tab = ran
    history = entry.result.history
    tab.by_psnr.click()
    best = max(history, key=lambda row: row["psnr"])["k"]
    wait_for(qtbot, lambda: tab.looking == best)
    tab.by_residual.click()
    from napari_mlpatch.core.kept_iterate import best_by_residual

    found = best_by_residual(entry.job.iterates, entry.scene.problem)
    wait_for(qtbot, lambda: tab.looking == found)
    session.docks["Compare"].plots.plot("convergence")  # another tab: the result itself is on show again
    wait_for(qtbot, lambda: session.stage.layer_of(entry).visible)
    wait_for(qtbot, lambda: not any(", iteration " in la.name for la in session.viewer.layers), 8000)


def test_a_result_of_one_step_says_so(simulated, qtbot):
    simulated.workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(simulated))
    tab = simulated.docks["Compare"].plots.plot("iterations")
    assert not tab.slider.isEnabled() and "one step" in tab.numbers.text()
    assert not tab.by_psnr.isEnabled() and not tab.resume.isEnabled() and tab.start.isEnabled()

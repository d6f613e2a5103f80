"""Simulate and benchmark from the window: the ticked methods, the present problem, a report."""

from __future__ import annotations

import numpy as np
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch.workbench.benchmarking import recipe_of
from napari_mlpatch.workbench.iterations import keep
from tests.gui.test_window import finished, wait_for


def test_from_the_table_to_the_report(simulated, qtbot, tmp_path):
    workbench = simulated.workbench
    for method in (mp.methods.FBP(), mp.methods.Tikhonov(iterations=4), mp.methods.TV(iterations=2)):
        workbench.run(method)
    wait_for(qtbot, lambda: finished(simulated))
    workbench.set_shown(workbench.entries[2], False)
    tab = simulated.docks["Compare"].plots.plot("sweep")
    tab.benchmark.click()
    dialog = tab.dialog
    assert dialog.isVisible() and "Tikhonov" in dialog.methods.text() and "TV" not in dialog.methods.text()
    square = np.zeros((30, 24), np.uint8)
    square[8:20, 6:18] = 200
    Image.fromarray(square).save(tmp_path / "square.png")
    dialog.images.addItem(str(tmp_path / "square.png"))
    dialog.seeds.setValue(2)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    dialog.folder.setText(str(tmp_path / "other"))
    dialog.run.click()
    assert "holds other things" in dialog.state.text() and not dialog.benchmarking.running
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.run.click()
    wait_for(qtbot, lambda: dialog.benchmarking.page is not None)
    assert dialog.bar.value() == 8 and dialog.open.isEnabled() and "8 of 8; done" in dialog.state.text()
    page = dialog.benchmarking.page.read_text()
    assert "FBP" in page and "square.png" in page
    dialog.run.click()
    wait_for(qtbot, lambda: dialog.benchmarking.page is not None)
    assert "8 were there" in dialog.state.text()
    dialog.close()


def test_the_recipe_fits_other_images(simulated, qtbot):
    """What follows from the size of the image is left open; angles and noise are the problem's."""
    workbench = simulated.workbench
    workbench.run(mp.methods.FBP(window="hann"))
    wait_for(qtbot, lambda: finished(simulated))
    made = recipe_of(workbench.scene, workbench.entries, 2, ["a.png"])
    A = workbench.scene.problem.A
    assert not {"image_shape", "detector_count"} & made.operator.params.keys()
    assert tuple(made.operator.params["angles_deg"]) == A.angles_deg
    assert made.noise.name == "gaussian" and made.seeds == (0, 1) and len(made.images) == 2
    assert made.methods[0].params["window"] == "hann"


def test_what_was_stopped_counts_with_its_iterations_and_warm_starts_are_left_out(simulated, qtbot):
    workbench = simulated.workbench
    entry = workbench.run(mp.methods.TV(iterations=6, tolerance=0.0))
    wait_for(qtbot, lambda: finished(simulated))
    keep(workbench, entry, 2)
    wait_for(qtbot, lambda: len(workbench.entries) == 2)
    workbench.run(mp.methods.Tikhonov(iterations=2), start=entry.result)
    wait_for(qtbot, lambda: finished(simulated))
    made = recipe_of(workbench.scene, workbench.entries, 1)
    assert [one.params["iterations"] for one in made.methods] == [6, 2]

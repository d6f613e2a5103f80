"""The sweep in the window: from the form to the contact sheet, and back by a click."""

from __future__ import annotations

import numpy as np

import napari_mlpatch as mp
from napari_mlpatch.core.declare import parameters
from napari_mlpatch.gui.compare.plots.sweep import IN_VIEW
from napari_mlpatch.gui.compare.sheet import BEST, CHOSEN
from napari_mlpatch.workbench.sweeping import suggested
from tests.gui.test_window import finished, wait_for


def test_a_sweep_by_the_real_widgets(simulated, qtbot):
    tab = simulated.docks["Compare"].plots.plot("sweep")
    tab.method.setCurrentIndex(tab.method.findData("tikhonov"))
    assert tab.names[0].currentText() == "weight" and not tab.open.isEnabled()
    tab.texts[0].setText("0.1:1000:log4")
    tab.run.click()
    wait_for(qtbot, lambda: tab.sweeping.made is not None)
    made, problem = tab.sweeping.made, simulated.workbench.scene.problem
    assert tab.window.isVisible() and not tab.cancel.isEnabled()
    values = [mp.reconstruct(problem, mp.methods.Tikhonov(weight=w)).metrics["psnr"] for w in (0.1, 1000.0)]
    assert [made.cells[i].metrics["psnr"] for i in (0, 3)] == values
    frames = [button.property("frame") for button in tab.sheet.buttons]
    assert [i for i, colour in enumerate(frames) if colour == BEST] == [made.best]
    other = (made.best + 1) % 4
    tab.sheet.buttons[other].click()
    reconstruct = simulated.docks["Reconstruct"]
    assert reconstruct.method.currentData() == "tikhonov"
    assert np.isclose(reconstruct.chosen().weight, made.cells[other].values["weight"])
    assert tab.sheet.buttons[other].property("frame") == CHOSEN

    tab.texts[0].setText("-1,1")
    tab.region.setCurrentText(IN_VIEW)
    tab.run.click()
    wait_for(qtbot, lambda: tab.sweeping.made is not None)
    first, second = tab.sweeping.cells
    assert (
        "greater than 0" in first.error
        and not tab.sheet.buttons[0].isEnabled()
        and "failed" in tab.sheet.buttons[0].text()
    )
    assert second.picture is not None and tab.sheet.buttons[1].isEnabled()
    tab.window.close()


def test_a_parameter_of_several_methods(simulated, qtbot):
    workbench = simulated.workbench
    for method in (mp.methods.FBP(), mp.methods.Tikhonov(iterations=3), mp.methods.Tikhonov(iterations=4)):
        workbench.run(method)
    wait_for(qtbot, lambda: finished(simulated) and all(e.frame is not None for e in workbench.entries))
    workbench.set_shown(workbench.entries[2], False)
    tab = simulated.docks["Compare"].plots.plot("sweep")
    tab.method.setCurrentIndex(tab.method.findData("tv"))
    tab.names[1].setCurrentText("iterations")
    tab.texts[0].setText("0.1,1")
    tab.texts[1].setText("2")
    assert [one.method.name for one in tab.candidates()] == ["tv"]
    tab.others.setChecked(True)
    tab.run.click()
    wait_for(qtbot, lambda: tab.sweeping.made is not None)
    cells = [(cell.method, cell.values) for cell in tab.sweeping.cells]
    both = [{"weight": w, "iterations": 2} for w in (0.1, 1.0)]
    assert cells == [*(("tv", v) for v in both), ("fbp", {}), *(("tikhonov", v) for v in both)]
    assert all(cell.picture is not None for cell in tab.sweeping.cells)
    heads = [button.text().split("\n")[0] for button in tab.sheet.buttons]
    assert heads[0].startswith("tv") and heads[2] == "fbp" and heads[4].startswith("tikhonov")
    form = simulated.docks["Reconstruct"]
    before = form.chosen()
    tab.sheet.buttons[4].click()
    assert form.chosen().name == "tikhonov" and form.chosen().weight == 1.0
    workbench.undo.undo()
    assert form.chosen() == before, "a click that was none"
    tab.window.close()


def test_cancelled(simulated, qtbot):
    tab = simulated.docks["Compare"].plots.plot("sweep")
    tab.method.setCurrentIndex(tab.method.findData("tv"))
    tab.names[0].setCurrentText("iterations")
    tab.texts[0].setText("50000,60000")
    tab.run.click()
    wait_for(qtbot, lambda: tab.sweeping.running)
    tab.cancel.click()
    wait_for(qtbot, lambda: not tab.sweeping.running)
    assert all(cell.picture is None for cell in tab.sweeping.made.cells)
    tab.window.close()


def test_values_to_begin_with():
    known = {p.name: p for p in parameters(mp.methods.TV)}
    assert suggested(known["weight"], 2.0) == "0.2:20:log7" and suggested(known["weight"], None) == "0.1:10:log7"
    assert suggested(known["iterations"], 40) == "10:80:log5"
    assert suggested(known["norm"], "isotropic") == "isotropic,anisotropic"
    assert suggested(known["nonnegative"], False) == "true,false"

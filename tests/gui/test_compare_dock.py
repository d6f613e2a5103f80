"""What the Compare dock draws and marks."""

from __future__ import annotations

import napari_mlpatch as mp
from tests.gui.test_window import finished, wait_for


def shown(compare):
    compare._draw()
    return compare.curve.currentData(), {item.name() for item in compare.plot.getPlotItem().listDataItems()}


def test_the_curve_is_one_that_all_shown_results_have(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    workbench.run(mp.methods.TV(iterations=12, tolerance=0.0))
    workbench.run(mp.methods.Tikhonov(iterations=5, tolerance=0.0))
    workbench.run(mp.methods.PnPPGM(denoiser="tv", iterations=4, tolerance=0.0))
    wait_for(qtbot, lambda: finished(simulated))
    titles = {e.title for e in workbench.entries}
    assert shown(compare) == ("psnr", titles)
    keys = [compare.curve.itemData(i) for i in range(compare.curve.count())]
    assert "objective" in keys, "what one alone tells can be chosen"

    compare.curve.setCurrentIndex(keys.index("objective"))
    compare.curve.activated.emit(keys.index("objective"))  # as a person does
    assert shown(compare) == ("objective", {workbench.entries[0].title})
    workbench.set_shown(workbench.entries[2], False)
    assert shown(compare)[0] == "objective", "what a person chose stays"


def test_results_that_have_not_converged_are_marked(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    workbench.run(mp.methods.TV(iterations=2, tolerance=1e-6))
    workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(simulated))
    marked, fine = (compare.table.item(row, 1) for row in range(2))
    assert marked.text() == "2, not converged" and fine.text() == "1"
    assert workbench.entries[0].result.remark == marked.toolTip() != ""
    assert fine.toolTip() == ""

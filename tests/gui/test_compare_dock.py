"""What the Compare dock draws and marks."""

from __future__ import annotations

from qtpy.QtGui import QFont, QFontMetricsF

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.workbench.ranking import by_metric
from tests.gui.test_window import finished, wait_for


def shown(compare):
    plot = compare.plots.plot("convergence")
    plot.draw()
    return plot.curve.currentData(), {item.name() for item in plot.curves.getPlotItem().listDataItems()}


def test_the_curve_is_one_that_all_shown_results_have(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    workbench.run(mp.methods.TV(iterations=12, tolerance=0.0))
    workbench.run(mp.methods.Tikhonov(iterations=5, tolerance=0.0))
    workbench.run(mp.methods.PnPPGM(denoiser="tv", iterations=4, tolerance=0.0))
    wait_for(qtbot, lambda: finished(simulated))
    titles = {e.title for e in workbench.entries}
    assert shown(compare) == ("psnr", titles)
    curve = compare.plots.plot("convergence").curve
    keys = [curve.itemData(i) for i in range(curve.count())]
    assert "objective" in keys, "what one alone tells can be chosen"

    curve.setCurrentIndex(keys.index("objective"))
    curve.activated.emit(keys.index("objective"))  # as a person does
    assert shown(compare) == ("objective", {workbench.entries[0].title})
    workbench.set_shown(workbench.entries[2], False)
    assert shown(compare)[0] == "objective", "what a person chose stays"


def test_captions_are_short_and_fit_their_cells(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    card = next(c for c in weights.available() if c.name == "mlpatch-gray-small")
    method = mp.methods.PnPADMM(iterations=1, falling=1, tolerance=0.0, inner_iterations=99, sigma_start=0.123456)
    for other in (mp.methods.FBP(), mp.methods.Tikhonov(), mp.methods.TV(iterations=2)):
        workbench.run(other)
    entry = workbench.run(method, weights=weights.Unopened(card))
    wait_for(qtbot, lambda: finished(simulated))
    wait_for(qtbot, lambda: all(simulated.stage.layer_of(e) is not None for e in workbench.entries))
    head, figure = simulated.stage.layer_of(entry).name.split(": ")
    assert head == "MLPatch-ADMM gray-small"
    values = entry.result.metrics
    assert figure == f"{values['psnr']:.2f} dB, {values['ssim']:.3f}"
    item = compare.table.item(3, 0)
    assert item.text().startswith(head[:20]) and item.toolTip() == entry.title
    assert "mlpatch-gray-small" in entry.title and "inner_iterations=99" in entry.title

    compare.bar.actions_of["grid"].trigger()
    grid = simulated.viewer.canvas.grid
    assert grid.shape[0] * grid.shape[1] >= 5
    cells = [la for la in simulated.viewer.layers if la.visible and la.name_overlay.visible]
    assert len(cells) == 5
    width = simulated.stage.room()[0] / grid.shape[1]
    for layer in cells:
        font = QFont()
        font.setPointSizeF(layer.name_overlay.font_size)
        widest = max(QFontMetricsF(font).horizontalAdvance(line) for line in layer.name.split("\n"))
        assert widest < width
        assert layer.name == "truth" or " dB" in layer.name, "the first figure stays"
    for entry in list(workbench.entries):
        workbench.remove(entry)
    for layer in list(simulated.viewer.layers):
        simulated.viewer.layers.remove(layer)
    assert grid.enabled and min(grid.shape) >= 1, "a grid of nothing"


def test_run_all_ranks_and_a_heading_sorts(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    for method in (mp.methods.FBP(), mp.methods.TV(iterations=30), mp.methods.Tikhonov(iterations=3)):
        workbench.run(method)
    workbench.rank = by_metric("psnr")
    wait_for(qtbot, lambda: finished(simulated))
    found = [e.result.metrics["psnr"] for e in workbench.entries]
    assert found == sorted(found, reverse=True)
    best, icon = workbench.entries[0], compare.table.item(0, 0).icon()
    assert not icon.isNull() and compare.table.item(0, 0).text() == best.named.line
    compare.table.horizontalHeader().sectionClicked.emit(4)  # NRMSE
    found = [e.result.metrics["nrmse"] for e in workbench.entries]
    assert found == sorted(found)
    compare.table.horizontalHeader().sectionClicked.emit(0)
    assert [e.method["name"] for e in workbench.entries] == ["fbp", "tikhonov", "tv"]
    assert [compare.table.item(row, 0).text() for row in range(3)] == [e.named.line for e in workbench.entries]


def test_a_remark_about_weights_is_not_taken_for_missing_convergence(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    card = next(c for c in weights.available() if c.name == "unet-adler")
    entry = workbench.run(mp.methods.UNet(), weights=weights.Unopened(card))
    wait_for(qtbot, lambda: finished(simulated))
    item = compare.table.item(0, 1)
    assert "were trained for" in entry.result.remark == item.toolTip() and not entry.result.not_converged
    assert item.text().startswith("1") and "not converged" not in item.text() != "1"


def test_results_that_have_not_converged_are_marked(simulated, qtbot):
    workbench, compare = simulated.workbench, simulated.docks["Compare"]
    workbench.run(mp.methods.TV(iterations=2, tolerance=1e-6))
    workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(simulated))
    marked, fine = (compare.table.item(row, 1) for row in range(2))
    assert marked.text() == "2, not converged" and fine.text() == "1"
    assert workbench.entries[0].result.remark == marked.toolTip() != ""
    assert fine.toolTip() == ""

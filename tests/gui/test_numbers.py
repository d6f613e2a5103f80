"""The region on the canvas, what tells without a truth, the plots, and copying: by the real buttons."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

import napari_mlpatch as mp
from napari_mlpatch.core.metrics import in_region
from tests.gui.test_window import finished, wait_for


@pytest.fixture
def compared(simulated, qtbot):
    """Two finished results."""
    for method in (mp.methods.FBP(), mp.methods.Tikhonov(iterations=4, tolerance=0.0)):
        simulated.workbench.run(method)
    wait_for(qtbot, lambda: finished(simulated))
    return simulated


def columns(compare):
    """Heading and texts of each column that is not hidden."""
    table = compare.table
    shown = [j for j in range(table.columnCount()) if not table.isColumnHidden(j)]
    rows = range(len(table.workbench.present))
    return {table.horizontalHeaderItem(j).text(): [table.item(i, j).text() for i in rows] for j in shown}


def test_a_region_is_drawn_and_measured(compared, qtbot):
    workbench, compare, viewer = compared.workbench, compared.docks["Compare"], compared.viewer
    button = compare.below.region
    assert not any("▣" in heading for heading in columns(compare))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    layer = button.layer
    assert layer in viewer.layers and layer.visible and layer.mode == "select"
    wait_for(qtbot, lambda: "mean ▣" in columns(compare))
    first, entry = columns(compare)["PSNR / dB ▣"], workbench.entries[0]
    mask = layer.to_masks(mask_shape=(64, 64))[0]
    assert entry.region == in_region(entry.result.x, entry.scene.problem, mask)
    assert mask.sum() in range(15**2, 18**2), "a quarter of each side"

    shown = compared.stage.layer_of(entry)
    wait_for(qtbot, lambda: f"▣ {entry.region['psnr']:.2f} dB, {entry.region['ssim']:.3f}" in shown.name)
    compared.stage.show()
    assert viewer.layers.selection.active is layer, "a view that is shown again does not take the tool away"

    layer.data = [np.array([[5, 20], [5, 40], [30, 40], [30, 20]])]  # moved
    wait_for(qtbot, lambda: columns(compare)["PSNR / dB ▣"] != first)
    cnr = columns(compare)["CNR ▣"]
    layer.add_ellipses([np.array([[50, 10], [60, 30]])])  # a background
    wait_for(qtbot, lambda: columns(compare)["CNR ▣"] != cnr)
    compared.stage.set_view("grid")
    assert not layer.visible, "it would take a cell"
    compared.stage.set_view("single")
    assert layer.visible and viewer.layers[-1] is layer, "above the pictures"
    viewer.layers.remove(layer)
    assert not button.isChecked() and workbench.figures.region is None
    assert "mean ▣" not in columns(compare)


def test_without_a_truth_plots_and_copies(compared, qtbot):
    workbench, compare = compared.workbench, compared.docks["Compare"]
    below, table = compare.below, compare.table
    entry = workbench.entries[0]
    workbench.select(entry)
    plot = compare.plots.plot("residual")
    wait_for(qtbot, lambda: "whiteness" in plot.words.text())
    assert plot.curve.yData.max() == pytest.approx(0.3989, abs=1e-3)
    plot = compare.plots.plot("spectrum")
    wait_for(qtbot, lambda: set(plot.lines.items) == {0, *(e.id for e in workbench.entries)})
    workbench.set_shown(workbench.entries[1], False)
    wait_for(qtbot, lambda: set(plot.lines.items) == {0, entry.id})
    workbench.set_shown(workbench.entries[1], True)
    plot = compare.plots.plot("ring-correlation")
    wait_for(qtbot, lambda: plot.compute.isEnabled())
    qtbot.mouseClick(plot.compute, Qt.MouseButton.LeftButton)
    wait_for(qtbot, lambda: set(plot.lines.items) == {e.id for e in workbench.entries})
    wait_for(qtbot, lambda: not workbench.figures.busy)

    qtbot.mouseClick(below.judge, Qt.MouseButton.LeftButton)
    assert below.judge.text() == "Stop"
    wait_for(qtbot, lambda: below.judge.text() != "Stop")
    assert {"SURE", "GCV", "FRC / px"} <= set(columns(compare))
    assert "null space" in below.note.text() and below.minimumSizeHint().width() < 500

    marked = [table.item(i, 2).font().bold() for i in range(2)]  # of PSNR
    winner = max((0, 1), key=lambda i: workbench.entries[i].result.metrics["psnr"])
    assert marked == [i == winner for i in range(2)]
    assert table.item(winner, 2).background().color().alpha() > 0
    below.copy_as("Markdown")
    text = QApplication.clipboard().text()
    assert f"**{columns(compare)['PSNR / dB'][winner]}**" in text and all(h in text for h in columns(compare))

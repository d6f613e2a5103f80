"""What has nothing to show yet says what will stand there; curves can be seen in both themes."""

from __future__ import annotations

import numpy as np
import pytest
from pyqtgraph import mkColor

import napari_mlpatch as mp
from napari_mlpatch.gui.compare.colours import COLOURS, LEAST, LIGHT, colour_of, contrast, on_light
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.sight import above
from napari_mlpatch.gui.plumbing.plot import Plot as Paper
from tests.gui.test_window import wait_for


def papers(plot):
    return [paper for paper in {plot.widget, *plot.widget.findChildren(Paper)} if isinstance(paper, Paper)]


def test_empty_plots_say_what_will_stand_there_instead_of_bare_axes(session, qtbot):
    compare = session.docks["Compare"]
    assert "becomes a row here" in compare.table.instead.text() and not compare.table.instead.isHidden()
    drawn = [cls.name for cls in plots if papers(compare.plots.plot(cls.name))]
    assert {"convergence", "profile", "residual", "spectrum", "ring-correlation"} <= set(drawn)
    for name in drawn:
        for paper in papers(compare.plots.plot(name)):
            assert paper.instead.text() and not paper.getPlotItem().opacity(), name


def test_results_take_the_place_of_the_words_and_come_back(simulated, qtbot):
    compare, workbench = simulated.docks["Compare"], simulated.workbench
    entry = workbench.run(mp.methods.TV(iterations=3))
    wait_for(qtbot, lambda: entry.result is not None and simulated.stage.shown == [entry])
    assert compare.table.instead.isHidden()
    for name in ("convergence", "profile", "residual", "spectrum"):
        (paper,) = papers(compare.plots.plot(name))
        wait_for(qtbot, lambda paper=paper: paper.getPlotItem().opacity() == 1)
        assert paper.instead.isHidden()
    workbench.remove(entry)
    (paper,) = papers(compare.plots.plot("residual"))
    wait_for(qtbot, lambda: not paper.getPlotItem().opacity())
    assert not compare.table.instead.isHidden()


def test_curves_keep_their_hue_and_can_be_told_from_a_light_background(simulated, qtbot):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)  # WCAG 2.1's own examples
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    for colour in COLOURS:
        light = on_light(colour)
        assert contrast(light, LIGHT) >= LEAST and on_light(light) == light
        assert mkColor(light).hue() == pytest.approx(mkColor(colour).hue(), abs=2)
    simulated.viewer.theme = "dark"
    entry = simulated.workbench.run(mp.methods.TV(iterations=3))
    curves = simulated.docks["Compare"].plots.plot("convergence").curves
    wait_for(qtbot, lambda: entry.result is not None and len(curves.listDataItems()) == 1)

    def pens():
        return [mkColor(item.opts["pen"].color()).name() for item in curves.listDataItems()]

    assert pens() == [colour_of(entry.number)] == [COLOURS[entry.number]]
    simulated.viewer.theme = "light"
    wait_for(qtbot, lambda: pens() == [on_light(COLOURS[entry.number])])


def test_pictures_and_what_belongs_to_them_stand_where_they_are_largest(simulated, qtbot, monkeypatch):
    stage, workbench = simulated.stage, simulated.workbench
    for weight in np.linspace(0.1, 0.4, 4):
        workbench.run(mp.methods.TV(iterations=2, weight=float(weight)))
    wait_for(qtbot, lambda: len(stage.shown) == 4 and not any(e.job.active for e in workbench.entries))
    stage.set_kind("residual")
    stage.set_view("grid")
    wait_for(qtbot, lambda: all(stage.layer(e, "residual") for e in stage.shown))
    for room, shape in (((600, 450), (2, 4)), ((400, 400), (3, 4)), ((400, 900), (4, 2)), ((900, 200), (1, 8))):
        monkeypatch.setattr(stage.sight, "room", lambda room=room: room)

        def side(rows, columns, width=room[0], height=room[1]):
            """Of a picture below its caption, with napari's gaps between the cells."""
            gap = 0.02 * (width / columns + height / rows) / 2
            return min((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows - above(7.0))

        cells, found = stage.view._pairs(["a", "b", "c", "d"], ["A", "B", "C", "D"])
        best = max(side(r, c) for r, c in [(2, 4), *((-(-4 // n), 2 * n) for n in range(1, 5))])
        assert side(*found) == best
        if found != (2, 4):
            assert found == shape or best == side(*shape)
            assert cells == ["a", "A", "b", "B", "c", "C", "d", "D"]

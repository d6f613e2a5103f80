"""The stage: what is on the canvas is what is selected, of one problem, and nothing else is made."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

import napari_mlpatch as mp
from napari_mlpatch.core import residuals
from napari_mlpatch.gui.compare.bars import scale_bar
from napari_mlpatch.gui.compare.parts import plots, views
from napari_mlpatch.gui.compare.view import Plot, View
from napari_mlpatch.workbench import pictures
from napari_mlpatch.workbench.scene import Frame, Scene
from tests.gui.test_window import finished, wait_for


def on_show(session):
    return [la for la in session.viewer.layers if la.visible]


@pytest.fixture
def three(simulated, qtbot):
    """The session with three results, each with its layer."""
    for method in (mp.methods.FBP(window="hann"), mp.methods.Tikhonov(iterations=4), mp.methods.TV(iterations=5)):
        simulated.workbench.run(method)
    wait_for(qtbot, lambda: finished(simulated))
    wait_for(qtbot, lambda: all(simulated.stage.layer_of(e) is not None for e in simulated.workbench.entries))
    return simulated


def test_row_layer_form_and_what_is_taken_away_are_one(three, qtbot):
    workbench, stage, dock, compare = three.workbench, three.stage, three.docks["Reconstruct"], three.docks["Compare"]
    fbp, tikhonov, tv = workbench.entries
    wait_for(qtbot, lambda: on_show(three) == [stage.layer_of(tv)])  # a new run is selected

    def all_say(entry):
        taken = []
        compare.take.on_selected(taken.append)
        assert taken == [entry] and compare.table.rows[compare.table.currentRow()] is entry
        assert dock.chosen().name == entry.method["name"] and three.viewer.layers.selection.active is on_show(three)[0]
        assert dock.chosen() == entry.result.recipe.build_method()

    all_say(tv)
    compare.table.selectRow(0)
    wait_for(qtbot, lambda: on_show(three) == [stage.layer_of(fbp)])
    all_say(fbp)
    three.viewer.layers.selection.active = stage.layer_of(tikhonov)  # as a click in napari's list does
    wait_for(qtbot, lambda: on_show(three) == [stage.layer_of(tikhonov)])
    all_say(tikhonov)
    workbench.remove(tikhonov)
    wait_for(qtbot, lambda: on_show(three) == [stage.layer_of(tv)])
    all_say(tv)


def test_only_what_is_looked_at_is_made(three, qtbot, monkeypatch):
    made, one = [], residuals.picture
    monkeypatch.setattr(pictures, "picture", lambda x, p, kind: made.append(kind) or one(x, p, kind))
    workbench, stage, compare = three.workbench, three.stage, three.docks["Compare"]
    compare.table.selectRow(1)
    compare.bar.kind.setCurrentIndex(compare.bar.kind.findData("error"))
    wait_for(qtbot, lambda: [la.metadata["mlpatch"]["role"] for la in on_show(three)] == ["error"])
    assert made == ["error"] and on_show(three)[0].metadata["mlpatch"]["entry"] == workbench.selected.id
    compare.table.selectRow(2)
    wait_for(qtbot, lambda: [la.metadata["mlpatch"]["entry"] for la in on_show(three)] == [workbench.entries[2].id])
    compare.table.selectRow(1)
    wait_for(qtbot, lambda: [la.metadata["mlpatch"]["entry"] for la in on_show(three)] == [workbench.entries[1].id])
    assert made == ["error", "error"], "kept"
    np.testing.assert_allclose(
        on_show(three)[0].data, stage.picture(workbench.entries[1], "picture") - workbench.scene.truth, atol=1e-6
    )
    compare.bar.kind.setCurrentIndex(0)
    wait_for(qtbot, lambda: on_show(three) == [stage.layer_of(workbench.entries[1])])


def test_the_running_job_is_on_show(simulated, qtbot):
    workbench, stage, dock = simulated.workbench, simulated.stage, simulated.docks["Reconstruct"]
    workbench.run(mp.methods.FBP())
    long = workbench.run(mp.methods.TV(iterations=100_000, tolerance=0.0), select=False)
    wait_for(qtbot, lambda: long.job.k > 3 and workbench.selected is long and dock.chosen().name == "tv")
    wait_for(qtbot, lambda: on_show(simulated) == [stage.layer_of(long)])
    before = stage.layer_of(long).data.copy()
    wait_for(qtbot, lambda: not np.array_equal(before, stage.layer_of(long).data))
    assert [dock.jobs.item(i).text().split()[0] for i in range(2)] == ["running", "done"]
    assert "\n" not in dock.status.text() and dock.status.text().startswith("iteration")
    dock.form.fields["iterations"].set(7)
    dock.form.changed.emit()  # a person types
    workbench.run(mp.methods.Tikhonov(iterations=2), select=False)
    dock.cancel.click()
    wait_for(qtbot, lambda: finished(simulated))
    assert dock.form.fields["iterations"].get() == 7 and dock.method.currentData() == "tv", "what is typed is not lost"


def test_the_list_of_layers_shows_the_last_picture(simulated, qtbot):
    """Not a frame on the way, which the layer was made of."""
    entry = simulated.workbench.run(mp.methods.TV(iterations=60, tolerance=0.0))
    layer_of = simulated.stage.layer_of
    wait_for(qtbot, lambda: layer_of(entry) is not None and layer_of(entry).visible)
    layer_of(entry).thumbnail = np.zeros((32, 32, 4))
    wait_for(qtbot, lambda: finished(simulated))
    wait_for(qtbot, lambda: np.allclose(layer_of(entry).data, entry.result.x[0, 0]))
    wait_for(qtbot, lambda: layer_of(entry).thumbnail[..., :3].any())


def test_hidden_pictures_have_thumbnails(simulated, qtbot):
    """What has never been on show, and what was finished while another one was, stands in napari's list as it is."""
    workbench, stage = simulated.workbench, simulated.stage
    first = workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: first.result is not None and stage.layer_of(first) is not None)
    second = workbench.run(mp.methods.TV(iterations=3, tolerance=0.0))
    workbench.select(first)
    wait_for(qtbot, lambda: second.result is not None and stage.layer_of(second) is not None)
    assert not stage.layer_of(second).visible

    def expected(layer):
        """What napari makes of the same picture on show."""
        known = Image(layer.data, contrast_limits=layer.contrast_limits, colormap=layer.colormap)
        return known.thumbnail

    for layer in (stage.layer_of(second), *(stage.scenes[role] for role in ("measurement", "preview", "truth"))):
        wait_for(qtbot, lambda layer=layer: np.array_equal(layer.thumbnail, expected(layer)))
        assert layer.thumbnail[..., :3].any(), layer.name


def roles_of(here):
    return [la.metadata.get("mlpatch", {}).get("role") for la in here.viewer.layers]


def test_earlier_problems_fold_away(three, qtbot):
    workbench, stage, compare = three.workbench, three.stage, three.docks["Compare"]
    old, before = workbench.scene, list(workbench.entries)
    limits = old.limits
    page = three.docks["Problem"].simulated
    three.viewer.add_image(
        np.outer(np.hanning(40), np.hanning(40)).astype("f4") * 50, name="hill", translate=(900, 900)
    )
    page.image.value = three.viewer.layers["hill"]
    page.operator_form.set_values({"angles_deg": "0:180:20", "detector_count": 58})
    page.simulate.click()
    wait_for(qtbot, lambda: workbench.scene is not old)
    assert workbench.selected is None and [la.metadata["mlpatch"]["role"] for la in on_show(three)] == ["preview"]
    centre = np.array(three.viewer.scene.camera.center[-2:])
    assert (np.abs(centre - 920) < 25).all(), "the view is fitted to what is on show"
    assert (
        compare.table.rows == [0]
        and "3 results of an earlier problem" in compare.table.cellWidget(0, 0).children()[1].text()
    )
    new = workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: finished(three) and stage.layer_of(new) is not None)
    assert stage.layer_of(new).contrast_limits[1] > 10
    wait_for(qtbot, lambda: roles_of(three).count("result") == 1)  # those of other problems are put away
    workbench.select(before[0])
    wait_for(qtbot, lambda: stage.layer_of(before[0]) is not None and stage.layer_of(before[0]).visible)
    assert tuple(stage.layer_of(before[0]).contrast_limits) == limits, "other problems keep their contrast"
    workbench.select(new)
    wait_for(qtbot, lambda: roles_of(three).count("result") == 1)

    compare.bar.actions_of["grid"].trigger()
    assert [la.metadata["mlpatch"]["role"] for la in on_show(three)] == ["truth", "result"]
    button = {b.objectName(): b for b in compare.table.cellWidget(1, 0).children() if b.objectName()}
    button["unfold"].click()
    assert compare.table.rows == [new, 0, *before]
    button = {b.objectName(): b for b in compare.table.cellWidget(1, 0).children() if b.objectName()}
    button["back"].click()
    assert workbench.scene is old and compare.table.rows[:3] == before and isinstance(compare.table.rows[3], int)
    {b.objectName(): b for b in compare.table.cellWidget(3, 0).children() if b.objectName()}["clear"].click()
    assert workbench.entries == before
    wait_for(qtbot, lambda: roles_of(three).count("result") == 3)


def test_contrast_is_shared_or_own(three, qtbot):
    workbench, stage, compare = three.workbench, three.stage, three.docks["Compare"]
    compare.bar.actions_of["grid"].trigger()
    a, b, c = (stage.layer_of(e) for e in workbench.entries)
    a.contrast_limits = (0.1, 0.6)
    assert tuple(b.contrast_limits) == tuple(c.contrast_limits) == (0.1, 0.6)
    compare.bar.linked.trigger()
    assert len({tuple(la.contrast_limits) for la in (a, b, c)}) == 3, "each has what suits it"
    b.contrast_limits = (0.2, 0.3)
    assert tuple(a.contrast_limits) != (0.2, 0.3)
    compare.bar.linked.trigger()
    assert {tuple(la.contrast_limits) for la in (a, b, c)} == {(0.1, 0.6)}


class Sum(View):
    pair = True

    def show(self):
        a, b = (self.stage.picture(of, self.stage.kind) for of in (self.stage.selected, self.stage.other))
        if a is not None and b is not None:
            self.stage.only([self.put("sum", a + b, "sum", limits=(0.0, 2.0))])


class Count(Plot):
    def make(self):
        from qtpy.QtWidgets import QLabel

        return QLabel()

    def show(self):
        self.widget.setText(str(len(self.stage.shown)))


@pytest.fixture
def more():
    """A view and a plot more, as files would add them."""
    list(views), list(plots)  # loaded
    views.register("sum", title="Sum", key="Shift-U")(Sum)
    plots.register("count", title="Count")(Count)
    yield
    del views._classes["sum"], plots._classes["count"]


def test_a_class_is_all_that_a_view_or_a_plot_needs(more, three, qtbot):
    workbench, stage, compare = three.workbench, three.stage, three.docks["Compare"]
    before = len(three.viewer.layers)
    three.docks["Compare"].bar.actions_of["sum"].trigger()
    wait_for(qtbot, lambda: [la.name for la in on_show(three)] == ["sum"])
    tv, truth = workbench.entries[2], workbench.scene.truth
    np.testing.assert_allclose(on_show(three)[0].data, tv.result.x[0, 0].numpy() + truth, rtol=1e-6)
    assert compare.bar.other.isVisibleTo(compare)
    other = compare.bar.other
    other.setCurrentIndex(1)
    other.activated.emit(1)
    assert workbench.other is workbench.entries[0]
    wait_for(qtbot, lambda: not np.allclose(on_show(three)[0].data, tv.result.x[0, 0].numpy() + truth))
    compare.bar.actions_of["single"].trigger()
    assert on_show(three) == [stage.layer_of(tv)]
    wait_for(qtbot, lambda: len(three.viewer.layers) == before)  # removed once no other view has taken the layer
    plot = compare.plots.plot("count")
    assert plot.widget.text() == "3"
    workbench.set_shown(tv, False)
    wait_for(qtbot, lambda: plot.widget.text() == "2")


def test_views_bear_an_empty_window_and_every_turn(session, simulated, qtbot):
    stage, workbench = simulated.stage, simulated.workbench
    for cls in views:
        stage.set_view(cls.name)
    entry = workbench.run(mp.methods.TV(iterations=3))
    wait_for(qtbot, lambda: entry.result is not None)
    for cls in views:
        stage.set_view(cls.name)
        for kind in stage.kinds():
            stage.set_kind(kind)
        workbench.select(None)
        workbench.select(entry)
        workbench.set_shown(entry, not entry.shown)
        qtbot.wait(5)
    stage.set_view("single")
    stage.set_kind("picture")
    wait_for(qtbot, lambda: on_show(simulated) == [stage.layer_of(entry)])
    left = [la for la in simulated.viewer.layers if la.metadata.get("mlpatch", {}).get("role") == "view"]
    wait_for(qtbot, lambda: not any(la in simulated.viewer.layers for la in left))


def test_a_job_that_ends_after_the_window_has_gone_touches_nothing(session):
    """Its timers are deleted with the window; calling one would be an error in the event loop."""
    stage = session.stage
    stage._soon.stop()
    stage.close()
    session.workbench.entries_changed.emit()
    session.workbench.scene_changed.emit()
    assert not stage._soon.isActive()
    stage.close()  # once more is harmless


def test_the_panel_of_a_view_goes_with_it(session):
    """At once, not only when the event loop comes round to deleting it."""
    bar = session.docks["Compare"].bar
    session.stage.set_view("wipe")
    panel = bar._panel
    assert panel is not None and panel.isVisibleTo(bar.second)
    session.stage.set_view("single")
    assert not panel.isVisibleTo(bar.second)


def test_a_scale_bar_never_stands_without_its_unit(session, phantom):
    viewer, bar = session.viewer, session.viewer.canvas.overlays.scale_bar
    measured = viewer.add_image(phantom, units=("mm", "mm"))
    scale_bar(viewer, [measured])
    assert bar.visible
    other = viewer.add_image(phantom, name="of an earlier problem, in pixels", visible=False)
    scale_bar(viewer, [measured])
    assert not bar.visible, "napari leaves the unit away"
    viewer.layers.remove(other)
    scale_bar(viewer, [measured])
    assert bar.visible


def test_another_problem_brings_its_units(session, phantom, qtbot):
    """Layers are used again: a photograph after a scan is not measured in millimetres."""
    workbench, viewer = session.workbench, session.viewer
    A = mp.operators.ParallelBeam(image_shape=phantom.shape, angles_deg="0:180:8", detector_count=92)
    measured = Frame(scale=(2.0, 2.0), units=("millimeter", "millimeter"), axis_labels=("y", "x"))
    for problem, frame in ((mp.simulate(phantom, A), measured), (mp.simulate(phantom[::-1].copy(), A), Frame())):
        workbench.prepare(lambda problem=problem, frame=frame: Scene(problem, "scan", frame))
        wait_for(qtbot, lambda problem=problem: workbench.scene is not None and workbench.scene.problem is problem)
        scenes = [la for la in viewer.layers if la.metadata["mlpatch"]["role"] != "result"]
        told = {(tuple(str(u) for u in la.units), tuple(la.axis_labels)) for la in scenes}
        assert told == {(frame.units, frame.axis_labels)}
        wait_for(qtbot, lambda frame=frame: viewer.canvas.overlays.scale_bar.visible == (frame is measured))
        wait_for(qtbot, lambda: len({la.units for la in viewer.layers}) == 1)  # none of the earlier problem's is left
        workbench.run(mp.methods.FBP())
        wait_for(qtbot, lambda: finished(session) and session.stage.layer_of(workbench.present[0]) is not None)

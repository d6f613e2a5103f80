"""Values under the cursor, profiles along a line, the list of all keys, parts of complex pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt

import napari_mlpatch as mp
from napari_mlpatch.gui.compare.key_help import shown
from napari_mlpatch.gui.compare.parts import plots, views
from napari_mlpatch.gui.compare.strip import LINE, Row, Strip, _format
from napari_mlpatch.workbench.scene import Frame, Scene
from tests.gui.mouse import Mouse
from tests.gui.test_window import finished, wait_for

profile_line = pytest.importorskip("skimage.measure").profile_line


def test_values_and_profiles_are_those_of_the_pictures(simulated, qtbot):
    workbench, stage, compare = simulated.workbench, simulated.stage, simulated.docks["Compare"]
    mouse = Mouse(simulated)
    moves, drags = simulated.viewer.mouse_move_callbacks, simulated.viewer.mouse_drag_callbacks
    before = len(moves), len(drags)
    entries = [workbench.run(mp.methods.FBP()), workbench.run(mp.methods.Tikhonov(iterations=2))]
    mouse.key(Qt.Key.Key_N)
    values = compare.plots.current
    assert values.name == "values"
    wait_for(qtbot, lambda: finished(simulated) and len(values.strip.rows) == 3)
    frame = workbench.scene.frame
    for row, column in ((20, 33), (41, 12)):
        mouse.move(frame.to_world((row, column)))
        wait_for(qtbot, lambda at=(row, column): values.where.text().startswith(f"row {at[0]}, column {at[1]} "))
        found = {each.name: each.value for each in values.strip.rows}
        expected = {"truth": workbench.scene.truth} | {stage.name_of(e): e.frame for e in entries}
        assert found == {name: picture[row, column] for name, picture in expected.items()}
        assert "mm" in values.where.text() or "millimeter" in values.where.text()
    mouse.move(frame.to_world((-9, 3)))
    wait_for(qtbot, lambda: all(each.value is None for each in values.strip.rows))

    mouse.key(Qt.Key.Key_P)
    profile = compare.plots.current
    assert profile.name == "profile" and len(profile.curves) == 3
    start, end = (5.0, 7.0), (50.0, 40.0)
    shift = Qt.KeyboardModifier.ShiftModifier
    mouse.drag(*(frame.to_world(p) for p in (start, (30, 30), end)), keys=shift)
    (start, end), drawn = profile.line, (start, end)
    np.testing.assert_allclose((start, end), drawn, atol=0.3)  # a pixel of the screen
    mouse.drag(frame.to_world(end), frame.to_world((50, 20)))
    assert profile.line[0] == start
    np.testing.assert_allclose(profile.line[1], (50, 20), atol=0.3)
    end = profile.line[1]
    for key, curve in profile.curves.items():
        picture = workbench.scene.truth if key == "truth" else next(e.frame for e in entries if e.id == key)
        along, found = curve.getData()
        np.testing.assert_allclose(found, profile_line(picture.astype(float), start, end, order=1), atol=1e-6)
        assert along[-1] == pytest.approx(0.5 * np.hypot(end[0] - start[0], end[1] - start[1]))  # 0.5 mm a pixel
    assert "mm" in profile.plot.getAxis("bottom").labelText or "millimeter" in profile.plot.getAxis("bottom").labelText
    mouse.drag(frame.to_world((27, 13)), frame.to_world((37, 13)))  # in the middle of the line
    np.testing.assert_allclose(np.subtract(profile.line, (start, end))[:, 0], 10, atol=0.5)
    workbench.set_shown(entries[0], False)
    wait_for(qtbot, lambda: set(profile.curves) == {"truth", entries[1].id})
    compare.plots.plot("convergence")
    assert (len(moves), len(drags)) == before and profile.strokes.paths == []

    help_ = compare.bar.help
    mouse.key(Qt.Key.Key_F1)
    listed = dict(help_.rows())
    assert {shown(cls.key) for cls in (*views, *plots)} <= set(listed) and "F1 or ?" in listed
    assert help_.frame is not None and help_.frame.isVisibleTo(help_.frame.parentWidget())
    mouse.key(Qt.Key.Key_Escape)
    assert help_.frame is None
    mouse.key(Qt.Key.Key_F1)
    mouse.key(Qt.Key.Key_F1)
    assert help_.frame is None


def test_complex_pictures_in_four_parts(session, qtbot):
    workbench, stage = session.workbench, session.stage
    stage.set_view("complex")
    assert "No result" in stage.words.text

    def scene():
        x = torch.polar(torch.rand(1, 1, 24, 24), 6 * torch.rand(1, 1, 24, 24))
        A = mp.operators.MRICartesian(image_shape=(24, 24))
        return Scene(mp.simulate(x, A, seed=0), "complex", Frame()).show()

    workbench.prepare(scene)
    wait_for(qtbot, lambda: workbench.scene is not None)
    entry = workbench.run(mp.methods.Tikhonov(iterations=2))
    wait_for(qtbot, lambda: finished(session))
    workbench.select(entry)
    stage.set_view("complex")
    x = entry.result.x[0, 0].numpy()
    parts = {"picture": abs(x), "phase": np.angle(x), "real": x.real, "imaginary": x.imag}
    wait_for(qtbot, lambda: all(stage.results.find(entry, kind) is not None for kind in parts))
    wait_for(qtbot, lambda: sum(la.visible for la in session.viewer.layers) == 4)
    for kind, expected in parts.items():
        layer = stage.results.find(entry, kind)
        assert layer.visible
        np.testing.assert_allclose(layer.data, expected, atol=1e-6)
    assert session.viewer.canvas.grid.shape == (2, 2) and stage.words.text == ""
    workbench.set_other("truth")
    stage.set_kind("phase")
    stage.set_view("difference")
    truth = np.angle(workbench.scene.problem.truth[0, 0].numpy())
    wait_for(qtbot, lambda: "difference" in stage.view._put)
    apart = stage.view._put["difference"].data
    np.testing.assert_allclose(np.exp(1j * apart), np.exp(1j * (parts["phase"] - truth)), atol=1e-5)
    assert abs(apart).max() <= np.pi + 1e-5


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ([1000.0, 0.149], ["1000.0", "0.149"]),
        ([30.0, 29.1234, 0.5], ["30.000", "29.123", "0.500"]),
        ([123.456, 1.0, 0.994, 0.0, -2.5], ["123.46", "1.00", "0.994", "0.00", "-2.50"]),
        ([12345.6, 99.96, -100.4], ["12346", "99.96", "-100"]),
        ([2e7, 3.14159265], ["2e+07", "3.1416"]),
        ([float("nan"), 0.0], ["nan", "0"]),
    ],
)
def test_a_column_keeps_three_digits_of_each_value(column, written):
    assert list(map(_format(column), column)) == written


def test_figures_are_whole_where_there_is_little_room(qtbot):
    """They look as in a wide strip, whatever is left for the bars."""
    rows = [Row("truth", "", -1.2345), Row("a name that is long", "#ff0000", 123.45), Row("another", "#00ff00", 1.0)]
    strip = Strip()
    qtbot.addWidget(strip)
    strip.set_rows(rows, reference=False)
    wanted = max(strip.fontMetrics().horizontalAdvance(text) for text in ("-1.23", "123.45"))

    def right(width):
        strip.resize(width, 3 * LINE)
        image = strip.grab().toImage()
        places = [(image.width() - x, y) for x in range(1, wanted + 3) for y in range(image.height())]
        return [image.pixel(*place) for place in places]

    whole = right(600)
    assert len(set(whole)) > 2, "letters"
    for width in (300, 180, 140):
        assert right(width) == whole

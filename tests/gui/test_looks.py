"""What looks at the window have shown: nothing is wider than its dock, pictures of a new problem fill the canvas."""

import numpy as np
import pytest
import torch
from imageio.v3 import imread
from PIL import Image
from pyqtgraph import mkColor
from qtpy.QtWidgets import QStylePainter, QWidget

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.gui.compare.sight import above
from napari_mlpatch.gui.leave.writer import write
from napari_mlpatch.gui.plumbing import elided
from napari_mlpatch.gui.plumbing.elided import Box, Tick
from napari_mlpatch.gui.plumbing.theme import PLAIN
from napari_mlpatch.workbench.scene import Scene
from tests.gui.test_window import wait_for

WIDEST = 215
"""Pixels of a field: beside it stands its label, and both fit into the narrowest dock."""


def scene_of(side, name):
    A = mp.operators.Identity(image_shape=(side, side))
    return Scene(mp.simulate(torch.rand(side, side), A, seed=0), name).show()


def test_forms_are_no_wider_than_their_dock(session):
    page, dock = session.docks["Problem"].simulated, session.docks["Reconstruct"]
    for box in (page.operator, page.noise, dock.method):
        for i in range(box.count()):
            box.setCurrentIndex(i)
            for form in (page.operator_form, page.noise_form, dock.form):
                for name, field in form.fields.items():
                    assert field.minimumSizeHint().width() <= WIDEST, (form.name, name)


def test_an_open_value_is_empty_and_comes_back(session):
    form = session.docks["Reconstruct"].form
    field = form.fields["weight"]
    (tick,) = field.findChildren(Tick)
    box = next(w for w in field.findChildren(QWidget) if hasattr(w, "is_open"))
    field.set(None)
    assert tick.isChecked() and not box.isEnabled() and box.lineEdit().text() == ""
    field.set(0.25)
    assert box.isEnabled() and box.lineEdit().text() == "0.25" and field.get() == 0.25
    tick.setChecked(True)
    assert field.get() is None and box.lineEdit().text() == ""


def test_pictures_of_a_new_problem_fill_the_canvas_beside_a_stack_and_after_it(session, qtbot):
    workbench, viewer = session.workbench, session.viewer
    workbench.set_scene(scene_of(24, "first"))
    viewer.add_image(np.zeros((3, 96, 96), np.float32))
    viewer.reset_view()
    workbench.set_scene(scene_of(48, "second"))

    def fills():
        """Across as wide as the canvas but for a margin, or down from below the caption to the lower edge."""
        camera, (width, height) = viewer.scene.camera, session.stage.room()
        size, (row, column) = 48 * camera.zoom, camera.center[1:]
        top = height / 2 + (-0.5 - row) * camera.zoom
        named = (la.name_overlay for la in viewer.layers if la.visible)
        caption = above(next(overlay.font_size for overlay in named if overlay.visible))
        filled = size == pytest.approx(min(0.95 * width, 0.95 * height, height - caption), abs=4)
        return filled and column == 23.5 and caption <= top + 1 and top + size <= height

    assert fills()
    viewer.layers.pop()
    wait_for(qtbot, fills)


def test_the_strip_of_centres_goes_with_its_problem(simulated, qtbot):
    strip = simulated.docks["Problem"].measured.strip
    strip.make()
    wait_for(qtbot, lambda: strip.layer is not None)
    simulated.workbench.set_scene(scene_of(16, "another"))
    assert strip.layer is None and not simulated.viewer.canvas.overlays.text.visible
    assert simulated.viewer.dims.ndim == 2


def test_plots_follow_the_theme(session, qtbot):
    plots = session.docks["Compare"].plots
    for theme in ("light", "dark"):
        session.viewer.theme = theme
        for name in ("convergence", "spectrum", "residual", "ring-correlation"):
            plot = plots.plot(name)
            paper = getattr(plot, "plot", None) or plot.curves
            wait_for(qtbot, lambda paper=paper, theme=theme: _ink(paper) == mkColor(PLAIN[theme]).name())


def _ink(paper):
    return paper.getAxis("left").textPen().color().name()


def test_views_without_use_are_off_and_texts_are_not_cut(session, simulated, monkeypatch):
    bar = session.docks["Compare"].bar
    assert not bar.actions_of["complex"].isEnabled() and bar.actions_of["grid"].isEnabled()
    drawn = []

    class Painter(QStylePainter):
        def drawControl(self, element, option):
            drawn.append(option.currentText)
            super().drawControl(element, option)

    monkeypatch.setattr(elided, "QStylePainter", Painter)
    box = Box()
    box.addItems(["a text that is longer than its box by far", "a"])
    box.resize(80, 24)
    box.grab()
    assert drawn[-1].startswith("a t") and drawn[-1].endswith("…") and box.currentText().endswith("far")
    assert box.fontMetrics().horizontalAdvance(drawn[-1]) <= 80
    box.setCurrentIndex(1)
    box.grab()
    assert drawn[-1] == "a"


def test_napari_s_own_save_keeps_the_recipe_in_a_plain_tiff(simulated, qtbot, tmp_path):
    entry = simulated.workbench.run(mp.methods.FBP())
    wait_for(qtbot, lambda: simulated.stage.layer_of(entry) is not None and entry.result is not None)
    layers, path = simulated.viewer.layers, tmp_path / "x.tif"
    layers.selection = {simulated.stage.layer_of(entry)}
    assert layers.save(str(path), selected=True) == [str(path)]
    again = mp.io.read_recipe(path)
    assert again["method"]["name"] == "fbp"
    assert again["data"]["sha256"] == simulated.workbench.scene.problem.fingerprint
    plain = simulated.viewer.add_image(np.arange(64, dtype=np.uint8).reshape(8, 8), name="plain")
    layers.selection = {plain}
    for name in ("plain.tif", "plain.png"):
        (written,) = layers.save(str(tmp_path / name), selected=True)
        np.testing.assert_array_equal(imread(written), plain.data)
        assert imread(written).dtype == np.uint8


def test_a_lazy_volume_is_not_read_before_its_writer_does(monkeypatch, tmp_path):
    read, given = [], []

    class Lazy:
        def __array__(self, dtype=None, copy=None):
            read.append(1)
            return np.zeros((2, 3, 4), np.float32)

    data, path = Lazy(), str(tmp_path / "x.tif")
    monkeypatch.setattr("napari_builtins.io.napari_write_image", lambda path, x, about: (given.append(x), path)[1])
    assert write(path, data, {}) == [path] and given == [data] and not read
    assert write(path, data, {"metadata": {"mlpatch": {"recipe": {}}}}) == [path] and read
    assert imread(path).shape == (2, 3, 4)


def test_what_a_measurement_lacks_is_asked_in_front(session, qtbot, tmp_path):
    np.save(tmp_path / "sinogram.npy", np.random.default_rng(0).random((20, 30)).astype(np.float32))
    session.show("Reconstruct")
    shown = []
    session.show = shown.append
    session.viewer.open(str(tmp_path / "sinogram.npy"), plugin="napari-mlpatch")
    measured = session.docks["Problem"].measured
    wait_for(qtbot, lambda: "give them above" in measured.problem_text.text())
    assert shown == ["Problem"]


def test_a_second_measurement_does_not_lie_over_the_first(session, tmp_path):
    for side in (20, 30):
        np.save(tmp_path / f"scan{side}.npy", np.random.default_rng(0).random((side, 24)).astype(np.float32))
        session.viewer.open(str(tmp_path / f"scan{side}.npy"), plugin="napari-mlpatch")
    assert [layer.data.shape[0] for layer in session.viewer.layers if layer.visible] == [30]


def test_a_colour_photograph_is_simulated_from_its_luminance(session, qtbot, tmp_path):
    photo = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    session.viewer.add_image(photo, name="photo", rgb=True)
    page = session.docks["Problem"].simulated
    page.operator.setCurrentIndex(page.operator.findData("blur"))
    page.simulate.click()
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    truth = session.workbench.scene.truth
    np.testing.assert_allclose(truth, photo @ [0.2125, 0.7154, 0.0721], rtol=1e-5)
    np.testing.assert_allclose(truth / 255, io.image_from_file(tmp_path / "photo.png")[0], rtol=1e-6)
    assert any("grey" in note for note in session.workbench.scene.notes)

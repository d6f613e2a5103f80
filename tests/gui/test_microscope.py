"""The patch microscope in the real window."""

import numpy as np
import pytest
import torch
from qtpy.QtCore import QTimer

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.explore import microscope
from napari_mlpatch.gui import session
from napari_mlpatch.training import Synthetic, TrainingRecipe, train
from napari_mlpatch.workbench.scene import Scene


@pytest.fixture
def own_weights(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = networks.build("mlpatch", {"rings": 3, "rays": 4, "head": "mlp", "widths": [8]})
    with torch.no_grad():
        network.points *= 1.5  # type: ignore[operator]
    made = networks.describe(network)
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    weights.save(
        tmp_path,
        network.state_dict(),
        name="own",
        title="Own",
        method="denoiser",
        architecture=Description(**made),
        noise=None,
        data="none",
        steps=0,
        seed=0,
        metrics={},
        licence="none",
    )


def test_look_pin_map_export(own_weights, make_napari_viewer, qtbot, tmp_path):
    viewer = make_napari_viewer(show=True)
    image = np.random.default_rng(0).random((24, 30)).astype(np.float32)
    layer = viewer.add_image(image, name="picture", scale=(2, 2), contrast_limits=(0, 1))
    here = session(viewer)
    here.open("Patch microscope")
    dock = here.docks["Patch microscope"]
    dock.weights.setCurrentIndex(dock.weights.findData("own"))

    dock.look_at(10, 12)
    qtbot.waitUntil(lambda: dock.current is not None, timeout=60_000)
    samples = viewer.layers["patch: samples"]
    assert samples.data.shape == (12, 2) and np.allclose(samples.scale, (2, 2))
    assert np.allclose(samples.data[0], (10, 12)) and f"sees {image[10, 12]:.4g}" in dock.facts.text()
    assert viewer.layers.selection.active is layer

    dock.pin_current()
    dock.look_at(5, 6)
    qtbot.waitUntil(lambda: dock.current.row == 5, timeout=60_000)
    assert len(viewer.layers["patch: samples"].data) == len(viewer.layers["patch: moved"].data) == 24
    assert "pinned: row 10, column 12" in dock.facts.text() and dock.facts.text().count("■") == 2
    dock.save(tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 13 and (tmp_path / "out.png").stat().st_size > 500

    dock.maps.map_all()
    qtbot.waitUntil(lambda: "reach / pixel, own" in viewer.layers, timeout=60_000)
    assert viewer.layers["reach / pixel, own"].data.shape == image.shape

    viewer.layers.remove("patch: samples")
    assert "patch: moved" not in viewer.layers
    dock.clear_pins()
    assert not dock.pins and "patch: samples" in viewer.layers
    dock.look_at(500, 2)  # outside: nothing happens
    assert dock.current.row == 5
    here.workbench.close()


def test_play_a_training_and_iterations(own_weights, make_napari_viewer, qtbot, tmp_path, monkeypatch):
    recipe = TrainingRecipe(
        name="own",
        title="Own",
        network=Description(name="mlpatch", params={"rings": 3, "rays": 4, "head": "mlp", "widths": [8]}),
        data=Synthetic(kind="ellipses", count=4, size=32, hold_out=1),
        images=2,
        pixels=8,
        steps=9,
        snapshots=4,
    )
    list(train(recipe, out=tmp_path / "training" / "own"))
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_image(np.random.default_rng(0).random((24, 30)).astype(np.float32), contrast_limits=(0, 1))
    here = session(viewer)
    here.open("Patch microscope")
    dock = here.docks["Patch microscope"]
    film = dock.film
    dock.weights.setCurrentIndex(dock.weights.findData("own"))
    texts = [film.what.itemText(k) for k in range(film.what.count())]
    assert texts == ["nothing", "the training of Own", "the training in a folder…"]

    film.what.setCurrentIndex(1)
    film.what.activated.emit(1)
    qtbot.waitUntil(lambda: film.play.isEnabled(), timeout=60_000)
    assert [frame.label for frame in film.frames] == ["step 0", "step 1", "step 4", "step 9"]
    seen = []
    for k in range(4):
        film.slider.setValue(k)
        output = float(film.frames[k].network(torch.from_numpy(layer.data)[None, None], 0.1)[0, 0, 12, 15])
        qtbot.waitUntil(
            lambda o=output: dock.current is not None and abs(dock.current.output - o) < 1e-5, timeout=60_000
        )
        seen.append(dock.current.points)
    assert (dock.current.row, dock.current.column) == (12, 15) and np.abs(seen[3] - seen[0]).max() > 0
    film.play.click()
    qtbot.waitUntil(lambda: film.slider.value() == 1, timeout=60_000)  # over and over
    film.what.setCurrentIndex(0)
    film.what.activated.emit(0)
    assert film.frame is None and dock.weights.isEnabled() and film.play.isHidden() is False

    truth = np.random.default_rng(1).random((24, 20)).astype(np.float32)
    A = mp.operators.Identity(image_shape=(24, 20))
    problem = mp.simulate(truth, A, noise=mp.noise.Gaussian(relative=0.1), seed=0)
    here.workbench.prepare(lambda: Scene(problem, "noise"))
    qtbot.waitUntil(lambda: here.workbench.scene is not None, timeout=60_000)
    entry = here.workbench.run(mp.methods.PnPADMM(iterations=3, tolerance=0), weights=weights.find("own"))
    qtbot.waitUntil(lambda: entry.result is not None, timeout=60_000)
    qtbot.waitUntil(lambda: film.what.findData(entry) > 0, timeout=60_000)
    film.open(entry)
    qtbot.waitUntil(lambda: film.play.isEnabled(), timeout=60_000)
    assert [frame.label for frame in film.frames] == ["iteration 1", "iteration 2", "iteration 3"]
    assert film.layer in viewer.layers and dock.image() is film.layer and not dock.sigma.isEnabled()
    film.slider.setValue(1)
    assert np.array_equal(film.layer.data, film.frames[1].image)
    assert dock.sigma.value() == pytest.approx(film.frames[1].sigma, rel=1e-2)
    qtbot.waitUntil(lambda: viewer.layers.index("patch: samples") > viewer.layers.index(film.layer), timeout=60_000)
    here.workbench.remove(entry)
    qtbot.waitUntil(lambda: film.layer is None and film.frame is None, timeout=60_000)
    assert dock.sigma.isEnabled() and dock.sigma.value() == 0.1
    assert not any(layer.name == "denoiser's input" for layer in viewer.layers)

    shown = []
    here.workbench.failed.connect(shown.append)
    film.open(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: bool(shown), timeout=60_000)
    assert "no snapshots" in shown[0] and film.what.currentIndex() == 0
    here.workbench.close()


@pytest.fixture
def playing(own_weights, make_napari_viewer, qtbot, tmp_path):
    """The dock, with an entry whose iterations can be played."""
    viewer = make_napari_viewer(show=True)
    here = session(viewer)
    here.open("Patch microscope")
    truth = np.random.default_rng(1).random((24, 20)).astype(np.float32)
    problem = mp.simulate(truth, mp.operators.Identity(image_shape=(24, 20)), noise=mp.noise.Gaussian(), seed=0)
    here.workbench.prepare(lambda: Scene(problem, "noise"))
    qtbot.waitUntil(lambda: here.workbench.scene is not None, timeout=60_000)
    entry = here.workbench.run(mp.methods.PnPADMM(iterations=40, tolerance=0), weights=weights.find("own"))
    qtbot.waitUntil(lambda: entry.result is not None, timeout=60_000)
    yield here, here.docks["Patch microscope"], entry
    here.workbench.close()


def test_what_is_done_while_a_film_is_made(playing, qtbot, monkeypatch):
    here, dock, entry = playing
    film, viewer = dock.film, here.viewer
    film.open(entry)
    qtbot.waitUntil(lambda: len(film.frames) >= 2, timeout=60_000)
    assert not dock.weights.isEnabled() and film.what.currentData() is entry
    film.open(entry)  # once more: from the start, and the old slider does no harm
    film.slider.setValue(1)
    monkeypatch.setattr("napari_mlpatch.gui.plumbing.dialogs.QFileDialog.getExistingDirectory", lambda *a: "")
    qtbot.waitUntil(lambda: len(film.frames) >= 2, timeout=60_000)
    film.what.setCurrentIndex(film.what.count() - 1)
    film._chosen()  # and no folder is chosen after all
    assert film.what.currentData() is entry and film.playing is entry

    viewer.layers["patch: samples"].visible = False
    film.play.setChecked(True)
    for _ in range(3):
        shown = film.slider.value()
        qtbot.waitUntil(lambda shown=shown: film.slider.value() != shown, timeout=60_000)
    assert not viewer.layers["patch: samples"].visible  # playing does not bring it back
    viewer.layers.remove("denoiser's input")
    assert film.playing is None and dock.weights.isEnabled() and not film.slider.isVisible()

    film.open(entry)
    here.workbench.remove(entry)  # before the first frame
    quick = here.workbench.quick
    qtbot.waitUntil(lambda: not quick.running and not quick.ended, timeout=60_000)
    assert film.playing is None and not film.frames and film.what.currentIndex() == 0
    assert "denoiser's input" not in viewer.layers


def test_a_closed_dock_plays_no_more(playing, qtbot):
    here, dock, entry = playing
    quick = here.workbench.quick
    dock.film.open(entry)
    qtbot.waitUntil(lambda: len(dock.film.frames) >= 2, timeout=60_000)
    window = here.viewer.window
    around = window._wrapped_dock_widgets["Patch microscope (MLPatch)"]
    QTimer.singleShot(0, lambda: window.remove_dock_widget(around))  # in the event loop, as a click is
    qtbot.waitUntil(lambda: "Patch microscope" not in here.docks, timeout=60_000)
    assert "denoiser's input" not in here.viewer.layers
    qtbot.waitUntil(lambda: not quick.running and not quick.ended, timeout=60_000)
    assert here.viewer.bind_key("Shift-P", None) is None, "the key of a closed dock calls nobody"
    assert not here.viewer.mouse_move_callbacks
    here.open("Patch microscope")
    assert here.docks["Patch microscope"].film.what.count() == 3  # nothing, the entry, a folder


def test_patches_are_on_show_while_the_microscope_is_in_use(own_weights, make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.random.default_rng(0).random((24, 30)).astype(np.float32), name="picture")
    here = session(viewer)
    here.open("Zoom")
    here.show("Patch microscope")
    dock = here.docks["Patch microscope"]
    qtbot.waitUntil(lambda: dock.front.now, timeout=60_000)

    def seen(row, column):
        dock.look_at(row, column)
        qtbot.waitUntil(lambda: dock.current is not None and dock.current.row == row, timeout=60_000)
        return {name: viewer.layers[name].visible for name in ("patch: samples", "patch: moved")}

    both = {"patch: samples": True, "patch: moved": True}
    neither = dict.fromkeys(both, False)
    assert seen(5, 5) == both
    here.show("Zoom")
    qtbot.waitUntil(lambda: not dock.front.now, timeout=60_000)
    assert {name: viewer.layers[name].visible for name in both} == neither
    assert seen(6, 6) == neither, "what was asked for before comes after"
    here.show("Patch microscope")
    qtbot.waitUntil(lambda: dock.front.now, timeout=60_000)
    assert {name: viewer.layers[name].visible for name in both} == both
    viewer.layers["patch: moved"].visible = False
    here.show("Zoom")
    qtbot.waitUntil(lambda: not dock.front.now, timeout=60_000)
    here.show("Patch microscope")
    qtbot.waitUntil(lambda: dock.front.now, timeout=60_000)
    assert {name: viewer.layers[name].visible for name in both} == both | {"patch: moved": False}

    around = viewer.window._wrapped_dock_widgets["Patch microscope (MLPatch)"]
    QTimer.singleShot(0, lambda: viewer.window.remove_dock_widget(around))  # in the event loop, as a click is
    qtbot.waitUntil(lambda: "Patch microscope" not in here.docks, timeout=60_000)
    assert [layer.name for layer in viewer.layers] == ["picture"]
    here.workbench.close()


def test_maps_of_a_picture_that_is_gone(own_weights, make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.random.default_rng(0).random((24, 30)).astype(np.float32), name="picture")
    here = session(viewer)
    here.open("Patch microscope")
    dock = here.docks["Patch microscope"]
    dock.maps.map_all()
    viewer.layers.remove("picture")
    qtbot.waitUntil(lambda: dock.maps.text() == "Map all pixels", timeout=60_000)
    assert not viewer.layers
    here.workbench.close()


def test_maps_can_be_stopped_and_turned_pictures_are_left_alone(
    own_weights, make_napari_viewer, qtbot, gate, monkeypatch
):
    overview_rows = microscope.overview_rows

    def held_after_the_first(*given):
        parts = overview_rows(*given)
        yield next(parts)
        yield from gate.before(lambda: parts)()

    monkeypatch.setattr(microscope, "overview_rows", held_after_the_first)
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.random.default_rng(0).random((240, 30)).astype(np.float32), name="picture")
    viewer.add_image(np.zeros((24, 30), np.float32), name="turned", rotate=30)
    here = session(viewer)
    here.open("Patch microscope")
    dock = here.docks["Patch microscope"]
    dock.weights.setCurrentIndex(dock.weights.findData("own"))
    assert dock.image().name == "picture"
    dock.maps.click()
    qtbot.waitUntil(lambda: "%" in dock.maps.text() and "left" in dock.maps.text(), timeout=60_000)
    dock.maps.click()
    assert dock.maps.text() == "Map all pixels"
    gate.open()
    dock.maps.map_all()
    qtbot.waitUntil(lambda: dock.maps.text() == "Map all pixels", timeout=60_000)
    assert "reach / pixel, own" in viewer.layers
    here.workbench.close()

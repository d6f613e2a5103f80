"""Training in the real window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.gui import session
from napari_mlpatch.training import AdlerEllipses, Files, Pairs, Reconstruct, TrainingRecipe
from napari_mlpatch.training.examples import EXAMPLE, example_operator
from napari_mlpatch.workbench.scene import Scene

TINY = TrainingRecipe.from_json(
    {
        "name": "tiny",
        "title": "Tiny",
        "network": {"name": "mlpatch", "params": {"head": "mlp", "widths": [8], "rings": 3, "rays": 4}},
        "data": {"kind": "ellipses", "count": 4, "size": 16, "hold_out": 1},
        "sigma": [0.01, 50 / 255],
        "images": 2,
        "pixels": 4,
        "steps": 6,
        "validate_every": 2,
        "checkpoint_minutes": 1e-9,
    }
)


@pytest.fixture
def here(make_napari_viewer, tmp_path, monkeypatch):
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path / "own"))
    found = session(make_napari_viewer())
    found.open("Train")
    yield found
    found.workbench.close()


@pytest.fixture
def dock(here):
    return here.docks["Train"]


def ended(dock):
    training = dock.workbench.trainer.training
    return training is not None and not training.active


def test_train_to_the_end_and_the_other_docks_list_it(here, dock, qtbot):
    for name in ("Reconstruct", "Patch microscope"):
        here.open(name)
    reconstruct, microscope = here.docks["Reconstruct"], here.docks["Patch microscope"]
    reconstruct.method.setCurrentIndex(reconstruct.method.findData("pnp-admm"))
    assert reconstruct.weights.findData("tiny") == microscope.weights.findData("tiny") == -1
    before = reconstruct.weights.currentData(), microscope.weights.currentData()

    dock.form.set_recipe(TINY, dock.form.root)
    dock.train.click()
    assert dock.cancel.isEnabled() and not dock.train.isEnabled()
    qtbot.waitUntil(lambda: ended(dock), timeout=60_000)
    assert dock.bar.value() == dock.bar.maximum() == 6 and "trained" in dock.status.text()
    assert weights.find("tiny").card.training == TINY.model_dump(mode="json")
    assert reconstruct.weights.findData("tiny") >= 0 and microscope.weights.findData("tiny") >= 0
    assert (reconstruct.weights.currentData(), microscope.weights.currentData()) == before, "the choice stays"
    qtbot.waitUntil(lambda: "step 6" in dock.view.figures.text(), timeout=60_000)
    assert len(dock.view._loss.getData()[0]) == 6


def test_cancel_then_resume(dock, qtbot):
    dock.form.set_recipe(TINY.model_copy(update={"steps": 100_000}), dock.form.root)
    assert not dock.resume.isEnabled()
    dock.train.click()
    trainer = dock.workbench.trainer
    qtbot.waitUntil(lambda: trainer.training.k > 1, timeout=60_000)
    dock.cancel.click()
    qtbot.waitUntil(lambda: ended(dock), timeout=60_000)
    cancelled = trainer.training
    assert cancelled.state == "cancelled" and dock.resume.isEnabled()
    assert not list(weights.own_folder().glob("*.json"))

    dock.form.main.fields["steps"].set(cancelled.k + 2)
    dock.resume.click()
    qtbot.waitUntil(lambda: ended(dock), timeout=60_000)
    assert trainer.training.state == "done" and trainer.training.losses[0] == cancelled.losses[0]


def test_recipes_survive_the_form(dock, tmp_path):
    files = TINY.model_dump(mode="json") | {
        "network": {"name": "drunet", "params": {"width": 8, "channels": 3}},
        "data": {"kind": "files", "paths": ["a b", "c.npz"], "low": -1.0, "high": 0.7, "colours": 3, "about": "mine"},
        "device": "cuda:7",
        "part": None,
    }
    other = {"name": "mlpatch", "params": {"out_channels": None, "filter_size": 64}}
    unusual = TINY.model_dump(mode="json") | {"network": other}
    for number, recipe in enumerate(
        (EXAMPLE, TINY, TrainingRecipe.from_json(files), TrainingRecipe.from_json(unusual))
    ):
        there, back = tmp_path / f"{number}.json", tmp_path / f"{number} back.json"
        there.write_text(recipe.to_json())
        dock.open_recipe(there)
        dock.save_recipe(back)
        assert TrainingRecipe.read(back) == recipe
    assert dock.form.root == tmp_path


def test_changes_go_into_the_recipe(dock):
    form = dock.form
    form.set_recipe(TINY, form.root)
    form.title.setText("Other")
    form.high.setValue(0.5)
    form.main.fields["lr"].set(0.01)
    form.params_form.set_values({"widths": (16, 16)})
    form.data.common.fields["colours"].set(3)
    made = form.recipe()
    assert (made.title, made.task.sigma, made.lr) == ("Other", (0.01, 0.5), 0.01)
    assert made.network.params == TINY.network.params | {"widths": [16, 16], "channels": 3}
    assert made.data.colours == 3 and made.steps == TINY.steps


@pytest.mark.parametrize("name", [cls.name for cls in architectures if cls.method == "denoiser"])
def test_every_architecture_starts_small_and_shows_what_it_reads(dock, name):
    form = dock.form
    form.network.setCurrentIndex(form.network.findData(name))
    form.network.activated.emit(form.network.currentIndex())
    made = form.recipe()
    params, images = architectures.get(name).start, architectures.get(name).start_images
    assert (made.network.name, made.network.params, made.images) == (name, params, images)
    assert sum(p.numel() for p in networks.build(name, params).parameters()) < 2e6
    by_pixels = name == "mlpatch"
    assert form.main.fields["pixels"].isHidden() is not by_pixels
    assert form.main.fields["crop"].isHidden() is by_pixels


def test_bad_input_is_told_and_nothing_is_lost(dock, tmp_path):
    form = dock.form
    form.title.setText("Kept")
    form.data.kind.setCurrentIndex(form.data.kind.findData("files"))
    dock.train.click()
    assert "no images to train on" in dock.hint.text()
    form.data.add([str(tmp_path / "nowhere")])
    dock.train.click()
    assert "no file or folder" in dock.hint.text() and "nowhere" in dock.hint.text()
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="malformed"):
        dock.open_recipe(tmp_path / "broken.json")
    unknown = TINY.model_dump(mode="json") | {"network": {"name": "abacus"}}
    (tmp_path / "unknown.json").write_text(TrainingRecipe.from_json(unknown).to_json())
    with pytest.raises(InputError, match="Unknown architecture"):
        dock.open_recipe(tmp_path / "unknown.json")
    assert form.title.text() == "Kept" and dock.workbench.trainer.training is None
    bundled = weights.available()[0].name
    form.set_recipe(TINY.model_copy(update={"name": bundled}), form.root)
    dock.train.click()
    assert "Choose another name" in dock.hint.text()


def test_train_on_files_and_find_it_again_in_a_new_dock(here, dock, qtbot, tmp_path):
    (tmp_path / "pictures").mkdir()
    for k in range(3):
        picture = np.random.default_rng(k).integers(0, 255, (20, 24), np.uint8)
        Image.fromarray(picture).save(tmp_path / "pictures" / f"{k}.png")
    dock.form.set_recipe(TINY, dock.form.root)
    dock.form.data.kind.setCurrentIndex(dock.form.data.kind.findData("files"))
    dock.form.data.add([str(tmp_path / "pictures")])
    dock.train.click()
    qtbot.waitUntil(lambda: ended(dock), timeout=60_000)
    training = dock.workbench.trainer.training
    assert training.state == "done" and training.recipe.data.paths == (str(tmp_path / "pictures"),)
    place = here.dock("Train")
    again = here.docks["Train"]
    assert again is not dock and place.isAncestorOf(again)
    assert again.form.recipe() == training.recipe and "trained" in again.status.text()


def test_train_a_reconstructor_for_the_present_problem(here, dock, qtbot, monkeypatch):
    form, told = dock.form, []
    monkeypatch.setattr("napari_mlpatch.gui.train.training_task.show_error", told.append)
    form.set_recipe(TINY, form.root)
    form.network.setCurrentIndex(form.network.findData("lpd"))
    form.network.activated.emit(form.network.currentIndex())
    assert form.task.levels.isHidden() and not form.task.problem.isHidden() and not form.task.use.isEnabled()
    for name, hidden in (("pixels", True), ("crop", True), ("lr", False)):
        assert form.main.fields[name].isHidden() is hidden
    assert form.more.fields["balance"].isHidden() and not form.more.fields["normalise"].isHidden()

    x = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    A = mp.operators.ParallelBeam(image_shape=(20, 20), angles_deg="0:180:6", detector_count=29)
    problem = mp.simulate(x, A, noise=mp.noise.Gaussian(relative=0.03))
    here.workbench.set_scene(Scene(problem, "made here"))
    assert form.task.use.isEnabled()
    form.task.use.click()
    assert not told and "20 x 20 to 6 x 29" in form.task.operator.text() and "relative 0.03" in form.task.noise.text()
    form.params_form.set_values({"iterations": 1, "width": 4})
    made = form.recipe()
    assert made.task == Reconstruct(operator=A, noise=problem.noise) and made.data.size == 20
    assert TrainingRecipe.from_json(made.to_json()) == made
    dock.train.click()
    qtbot.waitUntil(lambda: ended(dock), timeout=60_000)
    training = dock.workbench.trainer.training
    assert training.state == "done", training.message
    card = weights.find("tiny").card
    assert (card.method, card.operator.name, card.operator_norm) == ("unrolled", "parallel-beam", A.norm)
    qtbot.waitUntil(lambda: "PSNR" in dock.view.figures.text(), timeout=60_000)
    assert "SSIM" in dock.view.figures.text()

    form.set_recipe(TINY, form.root)
    assert not form.task.levels.isHidden() and form.recipe() == TINY


def test_every_source_survives_the_form(dock):
    task = Reconstruct(*example_operator(16))
    for data in (
        AdlerEllipses(generator="lgd", size=48, hold_out=3),
        Pairs(measurements=("a.h5", "b.h5"), truths=("a.npy", "b.npy"), about="mine"),
        Files(paths=("a",), shrink=3),
    ):
        changes = {"data": data, "task": task, "minutes": 2.5, "network": Description(name="lpd", params={})}
        recipe = TINY.model_copy(update=changes)
        dock.form.set_recipe(recipe, dock.form.root)
        assert dock.form.recipe() == recipe
    assert dock.form.missing(recipe) == ["a"]


def test_the_first_name_says_what_is_trained(dock):
    form = dock.form
    assert (form.title.text(), form.name.text()) == ("My denoiser", "my-denoiser")
    for name, what in (("lpd", "reconstructor"), ("dncnn", "denoiser")):
        form.network.setCurrentIndex(form.network.findData(name))
        form.network.activated.emit(form.network.currentIndex())
        assert (form.title.text(), form.name.text()) == (f"My {what}", f"my-{what}")

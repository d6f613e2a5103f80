"""A recipe leads back to its data, whoever made them, and to nothing else."""

import dataclasses
import json

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.batch.replay import as_batch, open_problem, open_weights, read_recipe, rerun
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.run import Done, run

METHOD = mp.methods.Tikhonov(weight=1.0, iterations=3)


def operator(size=32):
    return mp.operators.ParallelBeam(image_shape=(size, size), angles_deg="0:180:12", detector_count=48, center=22.5)


@pytest.fixture
def simulated():
    """A problem simulated from a bundled image, never saved."""
    source = {"kind": "sample", "name": "shepp-logan", "options": {"size": 32}}
    image = torch.from_numpy(io.open_image(source))
    return mp.simulate(image, operator(), mp.noise.Gaussian(relative=0.1), seed=7, source=source)


def through_json(problem):
    return Recipe.from_json(Recipe.of(problem, METHOD, seed=1).to_json())


def same(a, b):
    return torch.equal(a.y, b.y) and a.A == b.A and a.noise == b.noise and a.noise_std == b.noise_std


def test_simulated_data_are_simulated_again(simulated):
    again = open_problem(through_json(simulated))
    assert same(again, simulated) and torch.equal(again.truth, simulated.truth)


def test_simulated_on_a_machine_that_rounds_differently(simulated):
    recipe = through_json(dataclasses.replace(simulated, y=simulated.y * (1 + 1e-6)))
    problem = open_problem(recipe)
    assert problem.fingerprint != recipe.data.sha256
    *_, last = run(rerun(recipe, problem), problem)
    assert isinstance(last, Done)


def test_another_image_is_refused(simulated, tmp_path):
    recipe = through_json(simulated)
    io.write_image(tmp_path / "same.tif", simulated.truth)
    io.write_image(tmp_path / "other.tif", simulated.truth + 1)
    assert same(open_problem(recipe, tmp_path / "same.tif"), simulated)
    with pytest.raises(InputError, match="another fingerprint"):
        open_problem(recipe, tmp_path / "other.tif")


def test_a_simulation_that_was_saved(simulated, tmp_path):
    io.write_measurement(tmp_path / "m.h5", simulated)
    assert same(open_problem(through_json(simulated), tmp_path / "m.h5"), simulated)
    again = open_problem(through_json(io.read_measurement(tmp_path / "m.h5")))
    assert same(again, simulated) and torch.equal(again.truth, simulated.truth)


def test_files_with_options(simulated, tmp_path):
    np.save(tmp_path / "y.npy", np.stack([simulated.y[0, 0].numpy(), np.ones((12, 48), np.float32)]))
    options = {"angles_deg": "0:180:12", "center": 22.5, "slice": 0, "image_shape": (32, 32)}
    problem = io.read_measurement(tmp_path / "y.npy", **options)
    recipe = through_json(problem)
    assert same(open_problem(recipe), problem)
    (tmp_path / "y.npy").rename(tmp_path / "moved.npy")
    with pytest.raises(InputError, match="does not exist"):
        open_problem(recipe)
    assert same(open_problem(recipe, tmp_path / "moved.npy"), problem)


def test_the_recipe_has_the_last_word_on_the_geometry(simulated, tmp_path):
    """The centre was tried out in a window after the file was read."""
    io.write_measurement(tmp_path / "m.h5", simulated)
    problem = io.read_measurement(tmp_path / "m.h5")
    moved = dataclasses.replace(problem, A=dataclasses.replace(problem.A, center=23.25))
    assert open_problem(through_json(moved)).A.center == 23.25


def test_data_that_were_in_memory(simulated, tmp_path):
    problem = mp.Problem(operator(), simulated.y)
    recipe = through_json(problem)
    with pytest.raises(InputError, match="only in the memory"):
        open_problem(recipe)
    np.save(tmp_path / "y.npy", simulated.y[0, 0].numpy())
    assert same(open_problem(recipe, tmp_path / "y.npy"), problem)


def test_rerun_gives_the_same_picture(simulated, tmp_path):
    first = mp.reconstruct(simulated, METHOD, seed=1)
    io.write_image(tmp_path / "x.tif", first.x, first.recipe.model_dump(mode="json"))
    recipe, picture = read_recipe(tmp_path / "x.tif")
    assert recipe == first.recipe
    problem = open_problem(recipe)
    assert rerun(recipe, problem) == recipe
    assert rerun(recipe, problem, device="cuda").device == "cuda"
    *_, last = run(rerun(recipe, problem), problem)
    assert isinstance(last, Done)
    assert (last.result.x - as_batch(picture, problem)).abs().max() <= 1e-6


def test_a_stopped_run_stops_there_again(simulated):
    recipe = through_json(simulated).model_copy(update={"stopped_at": 2})
    *_, last = run(recipe, open_problem(recipe))
    assert isinstance(last, Done) and last.result.iterations == 2


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".h5", ".json"])
def test_read_recipe(simulated, tmp_path, suffix):
    recipe, path = through_json(simulated), tmp_path / f"x{suffix}"
    if suffix == ".json":
        path.write_text(recipe.to_json())
    else:
        io.write_image(path, simulated.truth, recipe.model_dump(mode="json"))
    found, picture = read_recipe(path)
    assert found == recipe and (picture is None) == (suffix == ".json")
    if suffix == ".npy":
        assert read_recipe(path.with_suffix(".json")) == (recipe, None)


def test_read_recipe_of_nothing(tmp_path):
    io.write_image(tmp_path / "x.tif", np.eye(8))
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "nested.json").write_text(json.dumps({"mlpatch_recipe": {"method": 1}}))
    for name in ("x.tif", "list.json", "binary.json", "nested.json", "none.json", "none.tif"):
        with pytest.raises(InputError):
            read_recipe(tmp_path / name)


def test_as_batch(simulated):
    picture = np.zeros((32, 32), np.float32)
    assert as_batch(picture, simulated).shape == (1, 1, 32, 32)
    for bad in (np.zeros((16, 64)), np.zeros((2, 32, 32)), np.full((32, 32), np.nan)):
        with pytest.raises(InputError):
            as_batch(bad, simulated)


def test_weights_of_a_recipe(simulated):
    recipe = through_json(simulated)
    assert open_weights(recipe) is None
    with pytest.raises(InputError, match="Unknown weights"):
        open_weights(recipe.model_copy(update={"weights": "0" * 64}))


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, True, "7"])
def test_impossible_seeds(simulated, seed):
    values = json.loads(through_json(simulated).to_json())
    values["data"]["source"]["seed"] = seed
    with pytest.raises(InputError, match="seed of a simulation"):
        open_problem(Recipe.from_json(values))

"""Trainings that begin with trained weights, and the recipes that come with the program."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from napari_mlpatch import networks, weights
from napari_mlpatch.cli import main
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.reproduce import shepp_logan
from napari_mlpatch.training import Trained, TrainingRecipe, ship, train
from napari_mlpatch.training.shipped import find_recipe, shipped_recipes
from napari_mlpatch.training.start import load_start

TINY = {"head": "mlp", "widths": [8], "rings": 2, "rays": 4, "radius": 1.5}
RECIPE = TrainingRecipe.from_json(
    {
        "name": "tiny",
        "title": "Tiny",
        "network": {"name": "mlpatch", "params": TINY},
        "data": {"kind": "ellipses", "count": 4, "size": 24, "hold_out": 1},
        "steps": 1,
        "images": 2,
        "pixels": 8,
        "warmup": 10_000,
        "lr": 1e-6,
        "seed": 1,
    }
)


@pytest.fixture
def start(tmp_path):
    torch.manual_seed(5)
    tensors = networks.build("mlpatch", TINY).state_dict()
    path = tmp_path / "start.safetensors"
    save_file(tensors, path)
    return path, tensors


def trained(recipe, **more) -> Trained:
    *_, last = train(recipe, **more)
    assert isinstance(last, Trained)
    return last


def test_a_training_begins_with_the_weights_it_is_given(start, tmp_path):
    """Of a file without card, then of the weights that came out, by their path; the card names them by their hash."""
    path, tensors = start
    recipe = RECIPE.model_copy(update={"start_from": str(path)})
    first = trained(recipe)
    for name, value in first.network.state_dict().items():
        assert torch.allclose(value, tensors[name], atol=1e-7)
    other = trained(RECIPE).network.state_dict()
    assert not all(torch.allclose(value, tensors[name], atol=1e-3) for name, value in other.items())
    card = ship(first, recipe, tmp_path / "made")
    assert card.training["start_from"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(tmp_path) not in (tmp_path / "made" / "tiny.json").read_text()
    done = trained(recipe)
    path.unlink()  # what a training began with may be gone, or be another file, when it ends
    assert ship(done, recipe, tmp_path / "later").training["start_from"] == card.training["start_from"]
    again = recipe.model_copy(update={"start_from": str(tmp_path / "made" / "tiny.safetensors")})
    assert ship(trained(again), again, tmp_path / "more").training["start_from"] == card.sha256


def test_a_stopped_training_goes_on_without_them(start, tmp_path):
    path, _ = start
    recipe = RECIPE.model_copy(update={"start_from": str(path)})
    trained(recipe, out=tmp_path / "out")
    path.unlink()
    longer = recipe.model_copy(update={"steps": 2})
    done = trained(longer, out=tmp_path / "out", resume=True)
    assert done.steps == 2
    assert len(ship(done, longer, tmp_path / "made").training["start_from"]) == 64, "the card still names them"
    untold = longer.model_copy(update={"steps": 3, "start_from": None})
    done = trained(untold, out=tmp_path / "out", resume=True)
    assert len(ship(done, untold, tmp_path / "untold").training["start_from"]) == 64, "also where the recipe does not"


def test_weights_that_cannot_be_started_from(start, tmp_path):
    path, _ = start
    for given, message in (
        (str(tmp_path / "none.safetensors"), "cannot be read"),
        ("nothing-known", "Unknown weights"),
        ("dncnn-gray-small", "cannot start from dncnn-gray-small: These are not weights of the architecture 'mlpatch'"),
    ):
        with pytest.raises(InputError, match=message):
            trained(RECIPE.model_copy(update={"start_from": given}))
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match="damaged"):
        trained(RECIPE.model_copy(update={"start_from": str(path)}))


def test_the_command_line_starts_from_weights(start, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.json").write_text(RECIPE.to_json())
    assert main(["train", "recipe.json", "--from", "start.safetensors", "--out", "made"]) == 0
    assert weights.read_card(tmp_path / "made" / "tiny.json").training["start_from"]
    assert main(["train", "recipe.json", "--from", "nowhere", "--out", "made"]) == 2
    assert "Unknown weights" in capsys.readouterr().err


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_name_networks_that_fit_their_task(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    network = networks.outline(recipe.network.name, recipe.network.params)
    assert hasattr(network, "iterates") == (recipe.task.role == "reconstructor")


def test_the_recipes_of_the_shepp_logan_problem_have_its_geometry():
    ours = shepp_logan.geometry(shepp_logan.ParallelBeam)
    names = [name for name in shipped_recipes() if name.endswith(("-adler", "-adler-none", "-adler-data"))]
    assert {"lpd-adler", "lgd-adler", "lgd-adler-none", "lgd-adler-data"} <= set(names)
    for name in names:
        task = find_recipe(name).task
        assert task.operator.angles_deg == pytest.approx(ours.angles_deg)
        assert task.operator.detector_pitch == pytest.approx(ours.detector_pitch)
        assert (task.operator.image_shape, task.operator.detector_count) == (ours.image_shape, ours.detector_count)
        assert task.noise.relative == 0.05 and not task.normalise


def test_recipes_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no training recipe 'lpd-alder'.*lpd-adler"):
        find_recipe("lpd-alder")
    with pytest.raises(InputError, match="cannot be read"):
        find_recipe("lpd-adler.json")
    own = json.loads(find_recipe("lpd-adler").to_json()) | {"name": "own"}
    (tmp_path / "lpd-adler").write_text(json.dumps(own))
    assert find_recipe("lpd-adler").name == "own"  # a file here comes first


def test_a_denoiser_becomes_the_part_of_a_deep_equilibrium_network(tmp_path):
    small = {"depth": 2, "width": 4}
    denoiser, network = networks.build("spectral-cnn", small), networks.build("de-prox", small)
    path = tmp_path / "denoiser.safetensors"
    save_file(denoiser.state_dict(), path)
    step = network.raw_step.clone()
    load_start(network, str(path))
    for name, value in denoiser.state_dict().items():
        assert torch.equal(network.state_dict()[f"denoiser.{name}"], value)
    assert torch.equal(network.raw_step, step)
    with pytest.raises(InputError, match="cannot start from"):
        load_start(networks.build("de-prox", small | {"depth": 3}), str(path))
    whole = tmp_path / "whole.safetensors"
    save_file(network.state_dict(), whole)
    other = networks.build("de-prox", small)
    load_start(other, str(whole))
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), network.parameters(), strict=True))

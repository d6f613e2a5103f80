"""Recipes as JSON, and what is refused as one."""

import json

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.recipe import installed_versions
from napari_mlpatch.core.registry import noises, operators


@pytest.fixture
def problem():
    A = mp.operators.ParallelBeam(image_shape=(6, 7), angles_deg=(0.1, 1 / 3, 90), detector_count=10, center=4.2)
    return mp.simulate(
        torch.rand(6, 7), A, mp.noise.Gaussian(relative=0.1), seed=3, source={"kind": "sample", "name": "x"}
    )


@pytest.fixture
def recipe(problem):
    return mp.Recipe.of(problem, mp.methods.TV(weight=0.1), weights="abc", seed=7)


def test_holds_everything(problem, recipe):
    values = json.loads(recipe.to_json())
    assert values["format"] == "napari-mlpatch recipe 1"
    assert values["method"]["name"] == "tv" and values["method"]["params"]["weight"] == 0.1
    assert values["operator"]["params"]["angles_deg"] == [0.1, 1 / 3, 90]
    assert values["noise"] == {"name": "gaussian", "params": {"relative": 0.1, "std": None, "snr_db": None}}
    assert values["data"]["sha256"] == problem.fingerprint and values["data"]["noise_std"] == problem.noise_std
    assert values["data"]["source"]["image"] == {"kind": "sample", "name": "x"}
    assert (values["seed"], values["device"], values["weights"], values["stopped_at"]) == (7, "cpu", "abc", None)
    assert values["versions"] == installed_versions() and set(values["versions"]) >= {"python", "torch", "numpy"}


def test_there_and_back(problem, recipe):
    again = mp.Recipe.from_json(recipe.to_json())
    assert again == recipe == mp.Recipe.from_json(json.loads(recipe.to_json()))
    assert again.to_json() == recipe.to_json()
    assert again.build_method() == mp.methods.TV(weight=0.1)
    assert build(operators, again.operator.model_dump()) == problem.A
    assert build(noises, again.noise.model_dump()) == problem.noise


def test_without_noise(problem):
    recipe = mp.Recipe.of(mp.Problem(problem.A, problem.y), mp.methods.FBP())
    assert recipe.noise is None and recipe.data.noise_std is None
    assert mp.Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 1.5}, {"seed": 2**64}, {"device": 3}])
def test_impossible_from_the_start(problem, wrong):
    with pytest.raises(mp.InputError, match=next(iter(wrong))):
        mp.Recipe.of(problem, mp.methods.FBP(), **wrong)


def test_is_frozen(recipe):
    with pytest.raises(Exception, match="frozen"):
        recipe.seed = 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1",
        "\x00",
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 5000,
        "\ud800",
        "<html>",
        "NaN",
        b"\xff\xfe",
        None,
        3,
        [],
    ],
    ids=lambda text: repr(text)[:20],
)
def test_garbage(text):
    with pytest.raises(mp.InputError, match="This is not a recipe"):
        mp.Recipe.from_json(text)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "napari-mlpatch recipe 2"}, "format: .*'napari-mlpatch recipe 1', got 'napari-mlpatch recipe 2'"),
        ({"surprise": 1}, "unknown parameter 'surprise'"),
        ({"method": {"name": "tv", "weight": 3}}, "unknown parameter 'method.weight'"),
        ({"method": "tv"}, "method: .*got 'tv'"),
        ({"data": {"source": {}}}, "'data.sha256' is missing"),
        ({"data": None}, "data: "),
        ({"seed": "many"}, "seed: .*got 'many'"),
        ({"seed": 1.5}, "seed: .*got 1.5"),
        ({"seed": -1}, "seed: .*got -1"),
        ({"seed": 2**70}, "seed: "),
        ({"stopped_at": "now"}, "stopped_at: "),
        ({"versions": {"torch": 2}}, "versions.torch: "),
        ({"operator": {}}, "'operator.name' is missing"),
    ],
    ids=str,
)
def test_what_cannot_be_used(recipe, change, complaint):
    with pytest.raises(mp.InputError, match=f"The recipe cannot be used: .*{complaint}") as caught:
        mp.Recipe.from_json(json.loads(recipe.to_json()) | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["operator", "method", "data"])
def test_what_must_be_there(recipe, missing):
    values = json.loads(recipe.to_json())
    del values[missing]
    with pytest.raises(mp.InputError, match=missing):
        mp.Recipe.from_json(values)


@pytest.mark.parametrize(
    ("method", "complaint"),
    [
        ({"name": "magic"}, "Unknown method 'magic'"),
        ({"name": "tv", "params": {"weigth": 1}}, "unknown parameter 'weigth'"),
        ({"name": "tv", "params": {"weight": -1}}, "weight: .*greater than 0, got -1"),
        ({"name": "tv", "params": {"weight": float("nan")}}, "finite"),
        ({"name": "tv", "params": {"iterations": 0}}, "iterations: "),
    ],
)
def test_method_that_cannot_be_built(recipe, method, complaint):
    strange = mp.Recipe.from_json(json.loads(recipe.to_json()) | {"method": method})
    with pytest.raises(mp.InputError, match=complaint):
        strange.build_method()

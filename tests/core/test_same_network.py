"""Recipes know what their weights were made into; the hash of the tensors alone does not say it."""

import json

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.batch.replay import open_weights
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.run import run

A = mp.operators.ParallelBeam((16, 16), "0:180:9", 24)
PLAIN = {"architecture": {"name": "proximal-gradient", "params": {"width": 4, "depth": 2, "iterations": 3}}}


@pytest.fixture
def card(tmp_path, monkeypatch):
    """The file of a card in the user's own folder."""
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    torch.manual_seed(0)
    network = networks.build("proximal-gradient", PLAIN["architecture"]["params"])
    about = {"method": "unrolled", "operator": mp.core.recipe.describe(A), "data": "", "steps": 0, "seed": 0}
    about |= {"metrics": {}, "licence": "none", "training": {"task": {"name": "reconstruct", "params": {}}}}
    weights.save(tmp_path, network.state_dict(), name="own", title="Own", **PLAIN, **about)
    return tmp_path / "own.json"


def edited(card, **changes):
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


def made():
    problem = mp.simulate(torch.eye(16), A, seed=0)
    return problem, mp.reconstruct(problem, mp.methods.Unrolled(iterations=None), mp.weights.find("own"))


def again(recipe, problem):
    return list(run(recipe, problem, network=open_weights(recipe)))[-1]


def test_it_stands_in_the_recipe_and_other_words_on_the_card_change_nothing(card):
    problem, result = made()
    recipe = Recipe.from_json(result.recipe.to_json())
    assert recipe.network.name == "proximal-gradient" and recipe.network.normalise
    assert recipe.network.params["depth"] == 2 and recipe.network.params["bound"] == 1.0  # the card leaves this one out
    whole = {"name": "proximal-gradient", "params": recipe.network.params}
    edited(card, title="Another title", licence="another", steps=7, architecture=whole)
    assert torch.equal(again(recipe, problem).result.x, result.x)


PARAMS = PLAIN["architecture"]["params"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"architecture": {"name": "proximal-gradient", "params": PARAMS | {"bound": 0.5}}},
            "bound was 1.0, now it is 0",
        ),
        ({"architecture": {"name": "proximal-gradient", "params": PARAMS | {"iterations": 4}}}, "iterations was 3"),
        ({"training": {"task": {"params": {"normalise": False}}}}, "normalise was True, now it is False"),
    ],
)
def test_a_card_that_was_edited_since_is_refused(card, changes, said):
    problem, result = made()
    edited(card, **changes)
    assert said in again(result.recipe, problem).message
    old = result.recipe.model_copy(update={"network": None})  # of a version that did not write it down
    assert again(old, problem).result.recipe.network is not None

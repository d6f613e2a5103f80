"""Weights are read from safetensors with a card, and refused where they do not fit."""

import contextlib
import hashlib
import json
import os

import pytest
import torch
from safetensors.torch import save_file

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description, describe
from napari_mlpatch.weights import zoo
from napari_mlpatch.weights.files import size_of


@pytest.fixture(scope="module")
def operator():
    return mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:12", detector_count=24)


@pytest.fixture
def path(tmp_path, operator):
    """Weights and card as training would leave them."""
    path = tmp_path / "tiny.safetensors"
    save_file({"layer.weight": torch.arange(6.0).reshape(2, 3)}, path)
    card = {
        "name": "tiny",
        "title": "Tiny",
        "method": "tv",
        "architecture": {"name": "mlp", "params": {"width": 3}},
        "operator": describe(operator),
        "operator_norm": operator.norm,
        "noise": {"name": "gaussian", "params": {"relative": 0.05}},
        "data": "six numbers",
        "steps": 10,
        "seed": 0,
        "metrics": {"psnr": 30.0},
        "licence": "BSD-3-Clause",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def edit(path, **changes):
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


def test_load(path):
    found = weights.load(path)
    assert torch.equal(found.tensors["layer.weight"], torch.arange(6.0).reshape(2, 3))
    assert found.card.architecture == Description(name="mlp", params={"width": 3})
    assert weights.find(str(path)).card == found.card


@pytest.mark.parametrize(("steps", "told"), [(0, "0 steps"), (1, "1 step"), (10, "10 steps")])
def test_facts_say_how_long_it_was_trained(path, steps, told):
    edit(path, steps=steps)
    assert weights.facts(weights.load(path).card)[-1] == told


def test_unknown_weights():
    with pytest.raises(InputError, match=r"Unknown weights 'lgd'. Known: "):
        weights.find("lgd")


def test_own_weights_beside_the_bundled_ones(path, monkeypatch, tmp_path):
    shipped = {card.name for card in weights.available()}
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    assert weights.own_folder() == tmp_path
    assert {card.name for card in weights.available()} == shipped | {"tiny"}
    assert torch.equal(weights.find("tiny").tensors["layer.weight"], weights.load(path).tensors["layer.weight"])
    (tmp_path / "broken.json").write_text("{}")
    assert {card.name for card in weights.available()} == shipped | {"tiny"}


def test_bundled_weights_are_found_by_name_and_hash(path, monkeypatch):
    monkeypatch.setattr(zoo, "bundled", lambda name: path.parent)
    (card,) = weights.available()
    assert card.name == "tiny"
    assert weights.find("tiny").card == weights.find(card.sha256).card == card
    with pytest.raises(InputError, match="Known: tiny"):
        weights.find("huge")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pickle": "me"}, "unknown parameter 'pickle'"),
        ({"steps": -1}, "steps: .*greater than or equal to 0"),
        ({"operator_norm": float("nan")}, "operator_norm"),
        ({"format": "napari-mlpatch weights 2"}, "format"),
        ({"name": "../up"}, "name"),
        ({"sha256": "0" * 64}, "are not those of their card"),
    ],
)
def test_bad_cards(path, changes, message):
    edit(path, **changes)
    with pytest.raises(InputError, match=message):
        weights.load(path)


def test_bad_files(path, tmp_path):
    with pytest.raises(InputError, match="that format only"):
        weights.load(tmp_path / "model.pt")
    with pytest.raises(InputError, match="No such file"):
        weights.load(tmp_path / "missing.safetensors")
    cut = path.read_bytes()[:20]
    path.write_bytes(cut)
    edit(path, sha256=hashlib.sha256(cut).hexdigest())
    with pytest.raises(InputError, match="damaged"):
        weights.load(path)
    path.with_suffix(".json").write_text('{"name": ')
    with pytest.raises(InputError, match="cannot be used"):
        weights.load(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"model card .* cannot be read"):
        weights.load(path)


def test_statistics_of_batch_normalisation_are_no_weights(path, operator):
    network = networks.build("unet", {"width": 2, "depth": 1})
    about = weights.load(path).card.model_dump(exclude={"sha256"})
    weights.save(path.parent, network.state_dict(), **about)
    learned = sum(p.numel() for p in network.parameters())
    assert weights.load(path).count == size_of(path)[0] == learned
    assert learned < sum(value.numel() for value in network.state_dict().values())


ABOUT = {"name": "x", "title": "X", "method": "denoiser", "architecture": Description(name="mlp"), "data": "none"} | {
    "steps": 0,
    "seed": 0,
    "metrics": {},
    "licence": "unknown",
}


def test_weights_are_replaced_as_a_pair(tmp_path, monkeypatch):
    """Killed after any of its steps, saving leaves the old weights or the new ones, never halves of both."""

    def save(value):
        return weights.save(tmp_path, {"a": torch.full((3,), float(value))}, **ABOUT)

    replace = os.replace
    left = [0]

    def dies(*names):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(*names)

    found = []
    for steps in range(4):
        save(1)
        left[0] = steps
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", dies)
            with contextlib.suppress(KeyboardInterrupt):
                save(2)
        found.append(float(weights.load(tmp_path / "x.safetensors").tensors["a"][0]))
    assert found == [1, 1, 2, 2]

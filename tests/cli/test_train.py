"""``mlpatch train``: a recipe in, weights and card out."""

import errno
import json
import os

import pytest
import torch

from napari_mlpatch import networks, weights
from napari_mlpatch.cli import main
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.training import TrainingRecipe
from napari_mlpatch.training.data import open_data
from napari_mlpatch.training.examples import EXAMPLE


@pytest.fixture
def here(tmp_path, monkeypatch):
    tiny = {"head": "mlp", "widths": [8], "rings": 2, "rays": 4, "radius": 1.5}
    recipe = {
        "name": "tiny",
        "title": "Tiny",
        "network": {"name": "mlpatch", "params": tiny},
        "data": {"kind": "ellipses", "count": 4, "size": 24, "hold_out": 1},
        "steps": 3,
        "images": 2,
        "pixels": 8,
        "warmup": 1,
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_and_resume(here, capsys):
    assert main(["train", "recipe.json", "--out", "made"]) == 0
    text = capsys.readouterr().out
    assert "tiny.safetensors: Tiny, 3 steps" in text and "psnr_25 " in text
    first = weights.load(here / "made" / "tiny.safetensors")
    assert main(["train", "recipe.json", "--out", "made", "--resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == first.card.sha256


def test_an_older_training_is_kept(here, capsys):
    for k in range(2):
        assert main(["train", "recipe.json", "--out", "made"]) == 0
        assert ("older checkpoint is in made/before" in capsys.readouterr().err) is (k == 1)
    bad = json.loads((here / "recipe.json").read_text()) | {"data": {"kind": "files", "paths": ["gone"]}}
    (here / "bad.json").write_text(json.dumps(bad))
    assert main(["train", "bad.json", "--out", "made"]) == 2
    assert "older checkpoint" not in capsys.readouterr().err, "nothing was moved"
    assert main(["train", "recipe.json", "--out", "made/before", "--resume"]) == 0
    assert "older checkpoint" not in capsys.readouterr().err
    assert len(list((here / "made" / "before" / "snapshots").iterdir())) == 4


def test_a_full_disk_at_the_end_leaves_the_weights(here, capsys, monkeypatch):
    """They take a fifth of what the checkpoint takes."""

    def full(*given, **named):
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            raise RuntimeError("unexpected pos 704 vs 598")  # noqa: B904 as PyTorch does it

    monkeypatch.setattr(torch, "save", full)
    assert main(["train", "recipe.json", "--out", "made"]) == 2
    told = capsys.readouterr()
    assert weights.load(here / "made" / "tiny.safetensors").card.steps == 3 and "tiny.safetensors: Tiny" in told.out
    assert f"{os.strerror(errno.ENOSPC)}. Free some space there" in told.err and "pos 704" not in told.err


def test_the_example_is_a_recipe(capsys):
    assert main(["train", "--example"]) == 0
    assert TrainingRecipe.from_json(capsys.readouterr().out) == EXAMPLE


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_has_an_example(capsys, name):
    assert main(["train", "--example", name]) == 0
    made = TrainingRecipe.from_json(capsys.readouterr().out)
    network = networks.build(made.network.name, made.network.params)
    pictures, held_out = open_data(made.data.__class__(count=2, hold_out=1, size=made.data.size))
    made.task.check(network, pictures)
    assert made.network.name == name and held_out.smallest >= 64
    assert (made.task.name == "denoise") is (architectures.get(name).method == "denoiser")


def test_minutes(here, capsys):
    assert main(["train", "recipe.json", "--out", "made", "--minutes", "60", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["steps"] == 3 and card["training"]["minutes"] == 60.0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_there_is_no_gpu(here, capsys):
    assert main(["train", "recipe.json", "--device", "cuda"]) == 2
    assert "The device 'cuda' cannot be used here" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["architectures", "tasks", "sources"])
def test_what_trainings_are_made_of_is_listed(capsys, kind):
    assert main(["list", kind, "--json"]) == 0
    names = {entry["name"] for entry in json.loads(capsys.readouterr().out)}
    assert names >= {"architectures": {"mlpatch", "lpd"}, "tasks": {"denoise", "reconstruct"}}.get(kind, {"files"})
    for more in ([], ["--markdown"]):
        assert main(["list", kind, *more]) == 0
        text = capsys.readouterr().out
        assert all(name in text for name in names)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train", "Name a training recipe"),
        ("train nothing.json", "cannot be read"),
        ("train recipe.json --out recipe.json", "is a file"),
        ("train recipe.json --resume --out new", "no checkpoint"),
        ("train recipe.json --minutes 0", "minutes"),
        ("train --example abacus", "Unknown architecture 'abacus'. Known: "),
        ("train recipe.json --device moon", "device 'moon' cannot be used"),
    ],
)
def test_bad_lines(here, capsys, line, message):
    assert main(line.split()) == 2
    assert message in capsys.readouterr().err

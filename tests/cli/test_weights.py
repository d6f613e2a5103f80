"""``mlpatch weights``: list, show, import."""

import json

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description, describe


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    network = networks.build("dncnn", {"depth": 4, "width": 6})
    torch.save(network.state_dict(), tmp_path / "small.pth")
    return tmp_path / "small.pth", network


def test_import_show_list_use(mlpatch, checkpoint, own, here):
    path, network = checkpoint
    code, out, err = mlpatch(f"weights import {path} --name small --licence MIT")
    assert code == 0 and "small: dncnn, imported from small.pth" in out and str(own / "small.safetensors") in err
    card = json.loads(mlpatch("weights show small --json")[1])
    assert card["architecture"]["params"]["depth"] == 4 and card["licence"] == "MIT" and card["method"] == "denoiser"
    assert "small" in mlpatch("weights list")[1]
    assert "small" in [entry["name"] for entry in json.loads(mlpatch("weights list --json")[1])["weights"]]
    found = weights.find("small")
    x = torch.rand(1, 1, 9, 9)
    same = networks.from_tensors("dncnn", found.card.architecture.params, found.tensors)
    assert torch.equal(same(x), network(x))
    code, out, err = mlpatch("reconstruct m.h5 --method direct --weights small --out d.tif")
    assert code == 0, err
    code, _, err = mlpatch("replay d.tif --out again.tif")
    assert code == 0 and (here / "again.tif").exists(), err


def test_names_that_are_taken(mlpatch, checkpoint, own, tmp_path):
    path, _ = checkpoint
    for more in ("", " --force", f" --out {tmp_path}"):
        code, _, err = mlpatch(f"weights import {path} --name mlpatch-gray{more}")
        assert code == 2 and "The program's own weights are called 'mlpatch-gray'. Choose another --name" in err
    assert not own.exists() and mlpatch(f"weights import {path} --name small")[0] == 0
    torch.save(networks.build("dncnn", {"depth": 5, "width": 6}).state_dict(), tmp_path / "deeper.pth")
    code, _, err = mlpatch(f"weights import {tmp_path / 'deeper.pth'} --name small")
    assert code == 2 and f"weights called 'small' in {own}" in err and "--force" in err
    assert weights.find("small").card.architecture.params["depth"] == 4
    assert mlpatch(f"weights import {tmp_path / 'deeper.pth'} --name small --force")[0] == 0
    assert weights.find("small").card.architecture.params["depth"] == 5


def test_replay_with_weights_given_by_path(mlpatch, checkpoint, own, here, monkeypatch):
    path, _ = checkpoint
    torch.save(networks.build("dncnn", {"depth": 4, "width": 6}).state_dict(), here / "other.pth")
    for name, file in (("small", path), ("other", here / "other.pth")):
        assert mlpatch(f"weights import {file} --name {name} --licence MIT")[0] == 0
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(here / "nothing"))
    small, other = own / "small.safetensors", own / "other.safetensors"
    code, _, err = mlpatch(f"reconstruct m.h5 --method direct --weights {small} --out d.tif")
    assert code == 0, err
    code, _, err = mlpatch("replay d.tif")
    assert code == 2 and "Unknown weights" in err and "--weights" in err
    code, out, err = mlpatch(f"replay d.tif --weights {small}")
    assert code == 0 and "the same picture" in out, err
    code, _, err = mlpatch(f"replay d.tif --weights {other}")
    assert code == 2 and "not those of the recipe" in err and weights.load(other).card.sha256[:12] in err
    code, _, err = mlpatch(f"replay x.tif --weights {small}")
    assert code == 2 and "has no weights" in err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("weights show", "Name what to show"),
        ("weights show nothing", "Unknown weights 'nothing'"),
        ("weights import {path}", "--name"),
        ("weights import missing.pth --name x", "There is no file"),
        ("weights import {path} --name NotAName", "card"),
        ("reconstruct m.h5 --method pnp-admm --out x.tif", "needs trained weights"),
    ],
)
def test_bad_input(mlpatch, checkpoint, here, line, message):
    code, _, err = mlpatch(line.format(path=checkpoint[0]))
    assert code == 2 and message in err


def test_weights_of_a_reconstructor(mlpatch, own, here, monkeypatch):
    """What fits is named where nothing, or something else, was given; another geometry gets a remark."""
    made = networks.build("fbpconvnet", {"width": 2, "depth": 1})
    about = {"method": "unet", "data": "none", "steps": 0, "seed": 0, "metrics": {}, "licence": "none"}
    A = mp.io.read_measurement(here / "m.h5").A
    few = mp.operators.ParallelBeam(A.image_shape, "0:180:7", A.detector_count)
    for name, operator in (("nets", few), ("deblur", mp.operators.Blur(A.domain_shape))):
        trained_for = Description(**describe(operator))
        made_of = Description(**networks.describe(made))
        weights.save(own, made.state_dict(), name=name, title=name, architecture=made_of, operator=trained_for, **about)
        made.unet.last.bias.data += 1  # another fingerprint
    for more in ("", " --weights deblur", " --weights mlpatch-gray-small"):
        code, _, err = mlpatch(f"reconstruct m.h5 --method unet{more} --out u.tif")
        assert code == 2 and "These fit, but were trained for others: " in err and "nets" in err, err
    code, out, err = mlpatch("reconstruct m.h5 --method unet --weights nets --out u.tif")
    assert code == 0 and "for 7 angles, this has" in out, err
    exact = mlpatch("reconstruct sample:body-ct-60 --method unet --out u.tif")[2]
    assert "These fit: unet-ct-body (add --weights unet-ct-body). Trained for others: " in exact, exact
    with monkeypatch.context() as patch:
        patch.setattr(weights, "available", list)
        assert "None of those that are here fit" in mlpatch("reconstruct m.h5 --method unrolled --out u.tif")[2]
    assert "no learned part" in mlpatch("reconstruct m.h5 --method tv --weights nets --out u.tif")[2]
    code, out, _ = mlpatch("replay u.tif")
    assert code == 0 and "the same picture" in out
    assert "fbpconvnet, for the method unet and blur" in mlpatch("weights list")[1]
    assert "for unet of data of parallel-beam" in mlpatch("list weights")[1]
    code, _, err = mlpatch("equivariance --weights nets")
    assert code == 2 and "are for the method 'unet', no denoiser" in err

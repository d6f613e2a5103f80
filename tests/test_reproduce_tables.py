"""Tables of learned and classical methods: what stands in them, where weights are missing and where they are there."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import networks, reproduce, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import methods
from napari_mlpatch.reproduce import tables
from napari_mlpatch.training import Trained, ship
from napari_mlpatch.training.shipped import find_recipe
from napari_mlpatch.weights import zoo


def quick(entry):
    """TV and plug-and-play with next to no iterations."""
    short = {"TV": "tv", "MLPatch-ADMM": "fbp"}
    if entry.name not in short:
        return entry
    params = {"iterations": 1} if entry.name == "TV" else {}
    return dataclasses.replace(entry, method=lambda problem: methods.get(short[entry.name])(**params), weights="")


@pytest.fixture
def data(tmp_path):
    """Folders like those of the public sets, of one photograph."""
    image = mp.io.samples.image("camera", size=256)
    large = np.kron(image, np.ones((2, 2)))
    for name in ("ct_body", "ct_head", "mri/brain_test"):
        (tmp_path / name).mkdir(parents=True)
    np.savez(tmp_path / "ct_body/tcga_test.npz", hu=np.rint(2000 * large - 1000)[None].repeat(2, 0).astype(np.int16))
    np.savez(tmp_path / "ct_head/stanford_head_test.npz", raw=np.rint(2000 * image + 24)[None].astype(np.uint16))
    Image.fromarray((255 * image).astype(np.uint8)).save(tmp_path / "mri/brain_test/a.png")
    return tmp_path


def test_the_table_of_ct(data, monkeypatch):
    monkeypatch.setattr(tables, "CT", tuple(quick(entry) for entry in tables.CT))
    monkeypatch.setattr(weights, "is_shipped", lambda name: False)
    told = []
    found = reproduce.run("ct-table", data=data, slices=1, tell=told.append)
    assert told[1:] == ["FBP: 1 of 1", "TV: 1 of 1", "MLPatch-ADMM: 1 of 1"] + [
        f"head: {name}: 1 of 1" for name in ("FBP", "TV", "MLPatch-ADMM")
    ]
    also = found["also"]
    assert also["slices"] == 1 and also["head: slices"] == 1
    assert 15 < also["FBP PSNR"] < 40 and 0 < also["FBP SSIM"] < 1 and also["FBP seconds"] > 0 and also["FBP MiB"] > 0
    assert also["head: FBP PSNR"] == pytest.approx(also["FBP PSNR"], abs=1)  # the same photograph
    assert all(math.isnan(also[f"{name} PSNR"]) for name in tables.LEARNED)  # no weights: said, not hidden
    assert math.isnan(found["ours"]) and not found["passed"]


def test_the_best_learned_method_counts(data, monkeypatch):
    monkeypatch.setattr(weights, "is_shipped", lambda name: False)
    values = {"FBP": 20.0, "TV": 25.0, "LPD": 27.0, "MoDL": 26.0}

    def compare(entries, problems, given, label=""):
        return {f"{label}{entry.name} PSNR": values.get(entry.name, math.nan) for entry in entries}

    monkeypatch.setattr(tables, "compare", compare)
    found = reproduce.run("ct-table", data=data)
    assert found["ours"] == 2.0 and found["passed"]


def test_the_table_of_mri(data, tmp_path, monkeypatch):
    recipe = find_recipe("modl-mri-brain")
    made = {"iterations": 1, "width": 2, "depth": 2}
    recipe = recipe.model_copy(update={"network": recipe.network.model_copy(update={"params": made})})
    network = networks.build("modl", made)
    ship(Trained(network, {}, 1, 0.0), recipe, tmp_path / "own")
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path / "own"))
    monkeypatch.setattr(tables, "MRI", tuple(quick(entry) for entry in tables.MRI))
    monkeypatch.setattr(zoo, "bundled", lambda name: tmp_path / "nothing")  # this network stands for the one shipped
    monkeypatch.setattr(weights, "is_shipped", lambda name: name == "modl-mri-brain")
    found = reproduce.run("mri-table", data=data)
    also = found["also"]
    x = torch.from_numpy(mp.io.samples.image("camera", size=256))[None, None]
    x = (255 * x).to(torch.uint8) / 255
    problem = next(tables.problems("modl-mri-brain", [x], 0))
    zero = mp.metrics.psnr(problem.A.pinv(problem.y).abs(), x, data_range=1.0)
    assert also["zero filling PSNR"] == pytest.approx(zero, abs=1e-3)
    assert also["MoDL PSNR"] == pytest.approx(zero, abs=1.0)  # untrained: Tikhonov's picture
    assert math.isnan(also["U-Net PSNR"]) and found["ours"] == also["MoDL PSNR"] - also["TV PSNR"]


def test_without_its_weights_the_row_is_skipped(data, monkeypatch):
    monkeypatch.setattr(weights, "is_shipped", lambda name: False)
    found = reproduce.run("mri-table", data=data)
    assert found["passed"] is None and "mlpatch train modl-mri-brain" in found["skipped"]


def test_only_sets_of_images_are_limited():
    with pytest.raises(InputError, match=r"'fbp' cannot be limited.*--seeds.*mlpatch-ood.*ct-table, mri-table"):
        reproduce.run("fbp", slices=2)
    with pytest.raises(InputError, match="from 1 on"):
        reproduce.run("mri-table", slices=0)


def test_entries_name_recipes_and_methods():
    """Weights are made by recipes of their names, for the operator of the table."""
    from napari_mlpatch.training.shipped import shipped_recipes

    for entries, recipe in ((tables.CT, tables.CT_RECIPE), (tables.MRI, tables.MRI_RECIPE)):
        operator = find_recipe(recipe).task.operator
        for entry in entries:
            if entry.weights in shipped_recipes():
                assert find_recipe(entry.weights).task.operator == operator

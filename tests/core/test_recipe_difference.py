"""What changed between two recipes."""

import json

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.cli import main
from napari_mlpatch.core.recipe import Recipe, Start
from napari_mlpatch.core.recipe_difference import described, differences
from napari_mlpatch.workbench.said import called


def problem(angles="0:180:30", **more):
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg=angles, detector_count=24)
    return mp.simulate(torch.ones(16, 16), A, mp.noise.Gaussian(**more), seed=1)


def recipe(method=None, of=None, **more):
    return Recipe.of(of or problem(), method or mp.methods.TV(weight=0.1), **more)


def words(a, b):
    return [str(one) for one in differences(a, b)]


def test_the_same_is_nothing():
    assert differences(recipe(), recipe()) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (recipe(mp.methods.TV(weight=0.25)), ["method tv: weight: 0.1 → 0.25"]),
        (recipe(mp.methods.TV(weight=None)), ["method tv: weight: 0.1 → automatic"]),
        (recipe(mp.methods.TV(weight=0.1, nonnegative=True)), ["method tv: nonnegative: no → yes"]),
        (recipe(seed=4), ["seed: 0 → 4"]),
        (recipe(device="cuda:0"), ["device: cpu → cuda:0"]),
        (recipe(weights="ab" * 32), ["weights: none → abababababab"]),
        (recipe(weights="python:f"), ["weights: none → the Python callable f"]),
        (recipe().model_copy(update={"stopped_at": 7}), ["stopped at iteration: its own end → 7"]),
        (recipe(start=Start(sha256="cd" * 32)), ["start: the method's own → a picture (cdcdcdcd)"]),
    ],
)
def test_one_thing(other, expected):
    assert words(recipe(), other) == expected


def test_another_method_is_told_with_its_parameters():
    (found,) = differences(recipe(), recipe(mp.methods.FBP(window="hann")))
    assert found.what == "method" and "weight 0.1" in found.first and "hann" in found.second


def test_operator_noise_and_data():
    a, b = recipe(), recipe(of=problem("0:180:60", relative=0.1))
    found = {one.what: (one.first, one.second) for one in differences(a, b)}
    assert found["operator parallel-beam: angles_deg"] == ("30 values from 0 to 174", "60 values from 0 to 177")
    assert "noise gaussian: relative" in found and "data" in found and "noise level" in found
    assert found["data"][0] != found["data"][1], "two of one name are told apart"


def test_the_same_data_in_another_place():
    a = recipe().located({"kind": "file", "path": "/a/m.h5", "options": {"slice": 3}})
    b = a.located({"kind": "file", "path": "/b/m.h5"})
    assert words(a, b) == ["place of the same data: /a/m.h5 (slice 3) → /b/m.h5"]


def test_arrays_are_told_apart():
    masks = [np.eye(16), 1 - np.eye(16)]
    a, b = (
        recipe(
            of=mp.Problem(mp.operators.Inpainting(image_shape=(16, 16), mask="custom", missing=m), torch.ones(16, 16))
        )
        for m in masks
    )
    (found,) = [one for one in differences(a, b) if "missing" in one.what]
    assert found.first.startswith("Array(16x16") and found.first != found.second


def test_versions():
    a = recipe()
    b = a.model_copy(update={"versions": a.versions | {"torch": "1.0"}})
    assert words(a, b) == [f"version of torch: {a.versions['torch']} → 1.0"]


def test_hostile_recipes_are_told_too():
    values = json.loads(recipe().to_json())
    values["data"]["source"] = {"kind": "simulated", "image": 3, "options": [1]}
    values["method"]["params"] = {"weight": {"npy": "!"}, "x": [[[]]], "y": {"a": {}}}
    strange = Recipe.from_json(values)
    assert words(recipe(), strange) and described(strange)


def test_command(workdir, capsys):
    data = problem()
    io.write_measurement("m.h5", data)
    data = io.read_measurement("m.h5")
    for name, weight in (("a.tif", 0.1), ("b.fits", 0.3)):
        io.write_result(name, mp.reconstruct(data, mp.methods.TV(weight=weight, iterations=3)))
    assert main(["recipe", "a.tif", "b.fits"]) == 0
    out = capsys.readouterr().out
    assert "method tv: weight" in out and "0.3" in out and "largest difference of the pictures" in out
    assert main(["recipe", "a.tif", "b.fits", "--json"]) == 0
    assert [row["second"] for row in json.loads(capsys.readouterr().out)["differences"]] == ["0.3"]
    assert main(["recipe", "a.tif", "a.tif"]) == 0 and "Nothing differs" in capsys.readouterr().out
    assert main(["recipe", "a.tif"]) == 0 and "m.h5" in capsys.readouterr().out
    assert main(["recipe", "a.tif", "--as", "command"]) == 0
    assert capsys.readouterr().out.startswith("mlpatch reconstruct /")
    assert main(["recipe", "a.tif", "--as", "json"]) == 0
    text = capsys.readouterr().out
    assert Recipe.from_json(text).method.params["weight"] == 0.1


def test_a_window_calls_things_by_their_titles_and_values_stay():
    denoised = mp.methods.PnPADMM(denoiser="tv", iterations=3)
    (found,) = differences(recipe(), recipe(denoised), call=called)
    assert found.what == "method" and found.first.startswith(f"{mp.methods.TV.title} (weight 0.1")
    assert found.second.startswith(f"{mp.methods.PnPADMM.title} (") and "denoiser tv" in found.second
    same = differences(recipe(), recipe(of=problem("0:180:60")), call=called)
    assert f"{mp.operators.ParallelBeam.title}: angles deg" in [one.what for one in same]
    assert called("method", "of-others") == "of-others", "of a package that is not here"

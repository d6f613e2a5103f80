"""Every verb does its work, prints what it should, and gives the right exit code."""

import json
import math
import sys
import types

import numpy as np
import pytest
import torch

from napari_mlpatch import cli, io
from napari_mlpatch.cli import bench
from napari_mlpatch.core.registry import methods
from napari_mlpatch.paths import bundled

SIZE, ANGLES = 64, 30
FAST = "--method tikhonov --set weight=1 --set iterations=5"


def strict(text):
    """The one JSON document that a text is. NaN and Infinity are not JSON."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def recipe_of(path):
    return io.read_image(path)[1]


def test_help_names_every_verb(mlpatch):
    code, text, _ = mlpatch("--help")
    assert code == 0 and all(f"\n  {verb} " in text for verb in cli.VERBS)
    assert mlpatch("")[0] == 2
    for verb in set(cli.VERBS) - {"demo"}:
        code, text, _ = mlpatch(f"{verb} --help")
        assert code == 0 and text, verb


@pytest.mark.parametrize("kind", ["operators", "methods", "noises", "denoisers", "weights", "samples"])
def test_list(mlpatch, kind):
    code, text, _ = mlpatch(f"list {kind} --json")
    entries = strict(text)
    assert code == 0 and isinstance(entries, list)
    code, text, _ = mlpatch(f"list {kind}")
    assert code == 0 and all(entry["name"] in text for entry in entries)
    assert entries


def test_list_tells_all_about_a_parameter(mlpatch):
    (tv,) = (entry for entry in strict(mlpatch("list methods --json")[1]) if entry["name"] == "tv")
    assert tv["title"] and tv["description"].startswith("Minimise")
    weight, norm = (next(p for p in tv["parameters"] if p["name"] == name) for name in ("weight", "norm"))
    assert (weight["type"], weight["minimum"], weight["default"]) == ("float", 0, None) and weight["description"]
    assert norm["choices"] == ["isotropic", "anisotropic"]


def test_list_tells_what_stands_in_pairs_and_lists(mlpatch):
    found = {line.split()[0]: line for line in mlpatch("list tasks")[1].splitlines() if line}
    assert "float, float" in found["sigma"] and "list of float" in found["validation_sigmas"]
    assert "int from 1" in found["part"] and "annotated" not in found["part"]
    assert "list of str" in mlpatch("list sources")[1]


def test_list_mentions_broken_packages(mlpatch, monkeypatch):
    monkeypatch.setitem(methods.broken, "magic", "ImportError: no wand")
    code, text, error = mlpatch("list methods --json")
    assert code == 0 and strict(text)
    assert "method 'magic' of another package cannot be used: ImportError: no wand" in error


def test_simulate_defaults(here, mlpatch):
    code, text, _ = mlpatch("simulate --operator parallel-beam --sample shepp-logan --size 32 --out a.h5")
    assert code == 0 and "image 32 x 32, data 180 x 46" in text
    problem = io.read_measurement("a.h5")
    assert problem.A.angles_deg[1] == 1 and problem.truth.shape == (1, 1, 32, 32)
    assert problem.noise.relative == 0.05 and problem.noise_std > 0


def test_simulate_settings(here, mlpatch):
    np.save("image.npy", np.random.default_rng(0).random((24, 48)).astype(np.float32))
    (here / "angles.txt").write_text("0 30\n60 90\n")
    line = "simulate --operator parallel-beam --image image.npy --size 32 --out b.h5 --seed 3"
    line += " --set angles_deg=angles.txt --set detector_count=50 --set center=none --set-noise std=0.5"
    assert mlpatch(line)[0] == 0
    problem = io.read_measurement("b.h5")
    assert problem.A.image_shape == (16, 32) and problem.A.angles_deg == (0, 30, 60, 90)
    assert problem.A.detector_count == 50 and problem.A.center is None and problem.noise_std == 0.5
    mlpatch(line.replace("b.h5", "c.h5"))
    assert torch.equal(io.read_measurement("c.h5").y, problem.y)
    mlpatch(line.replace("b.h5", "d.h5").replace("--seed 3", "--seed 4"))
    assert not torch.equal(io.read_measurement("d.h5").y, problem.y)


def test_reconstruct(here, mlpatch):
    code, text, error = mlpatch(f"reconstruct m.h5 {FAST} --out again.tif")
    assert code == 0 and "PSNR" in text and "data range 1" in text and "peak memory" in text and "5 iterations" in text
    assert "image 64 x 64, data 1 x 1 x 30 x 92" in error
    picture, recipe = io.read_image("again.tif")
    assert picture.shape == (SIZE, SIZE) and recipe["method"]["params"]["weight"] == 1
    assert np.array_equal(picture, io.read_image("x.tif")[0])


def test_reconstruct_json(here, mlpatch):
    code, text, _ = mlpatch("reconstruct m.h5 --method fbp --out f.npy --json")
    facts = strict(text)
    assert code == 0 and facts["metrics"]["psnr"] > 15 and facts["iterations"] == 1 and facts["peak_bytes"] >= 0


def test_reconstruct_reading_options(here, mlpatch):
    (here / "angles.txt").write_text("\n".join(str(6 * i) for i in range(ANGLES)))
    line = "reconstruct y.npy --method fbp --image-shape 64 --center 45.5 --out {}"
    assert mlpatch(line.format("a.tif") + " --angles angles.txt")[0] == 0
    assert mlpatch(line.format("b.tif") + f" --angles 0:180:{ANGLES}")[0] == 0
    a, b = (io.read_image(name)[0] for name in ("a.tif", "b.tif"))
    assert np.array_equal(a, b) and a.shape == (SIZE, SIZE)
    io.write_image("truth.tif", io.samples.image("shepp-logan", SIZE))
    code, text, _ = mlpatch(line.format("c.tif") + " --angles angles.txt --truth truth.tif --no-log")
    assert code == 0 and "PSNR" in text


def test_reconstruct_says_where_the_axis_is(here, mlpatch):
    line = f"reconstruct y.npy --angles 0:180:{ANGLES} --image-shape 64 --method fbp --out x.tif"
    assert "middle of the detector: --center auto" in mlpatch(line)[2]
    assert "centre 45.50" in mlpatch(line + " --center 45.5")[2]
    assert "axis" not in mlpatch("reconstruct m.h5 --method fbp --out x.tif")[2]  # our own file says all


def test_reconstruct_all_slices_of_a_stack(here, mlpatch):
    np.save("stack.npy", np.stack([np.load("y.npy")] * 3))
    line = f"reconstruct stack.npy --angles 0:180:{ANGLES} --slice all --image-shape 64x64 --method fbp --out s.tif"
    assert mlpatch(line)[0] == 0
    assert io.read_image("s.tif")[0].shape == (3, SIZE, SIZE)
    assert mlpatch("replay s.tif")[0] == 0


def test_reconstruct_a_sample(here, mlpatch):
    code, _, error = mlpatch("reconstruct sample:tooth --method fbp --image-shape 64 --out t.tif")
    assert code == 0 and "slice = 0" in error and "centre 295" in error
    source = recipe_of("t.tif")["data"]["source"]
    assert source["kind"] == "sample" and source["name"] == "tooth"
    assert mlpatch("replay t.tif")[0] == 0
    path = bundled("sample_data") / "tooth.h5"
    assert mlpatch(f"reconstruct {path} --method fbp --image-shape 64 --out u.tif")[0] == 0


def test_table_of_weights(mlpatch):
    """Those that reconstruct, with size and figures; written as a table for a text."""
    rows = mlpatch("list weights --markdown")[1].splitlines()[2:]
    assert rows and all(row.count("|") == 8 and ("psnr" in row) and "missing" not in row for row in rows)
    assert any(row.startswith("| `lpd-ct-body` |") and "| `unrolled` | 253 k | 1.03 |" in row for row in rows)


def test_simulated_samples(here, mlpatch):
    """They are listed, reconstructed, replayed, and refused with what to do where an image or options are asked."""
    assert all(name in mlpatch("list samples")[1] for name in io.simulations.names())
    code, out, _ = mlpatch(f"reconstruct sample:shepp-logan-30 {FAST} --out s.tif")
    assert code == 0 and "PSNR" in out
    assert "the same picture" in mlpatch("replay s.tif")[1]
    assert io.samples.load("shepp-logan-30").truth is not None
    for line, message in (
        ("simulate --operator blur --sample body-ct-60 --out b.h5", "simulated from the image 'body-slice'"),
        (f"reconstruct sample:shepp-logan-30 {FAST} --center 90 --out o.tif", "takes no options, got center"),
        (f"reconstruct sample:body-ct-6 {FAST} --out o.tif", "body-ct-60"),
    ):
        code, _, error = mlpatch(line)
        assert code == 2 and message in error, error


def test_evaluate(here, mlpatch):
    code, text, _ = mlpatch("evaluate x.tif --json")
    found = strict(text)["metrics"]
    assert code == 0
    assert set(found) == {"psnr", "ssim", "nrmse", "data_range", "relative_residual", "reduced_chi_square", "whiteness"}
    assert strict(mlpatch("evaluate x.tif --measurement m.h5 --json")[1])["metrics"] == found
    io.write_image("truth.tif", io.samples.image("shepp-logan", SIZE))
    beside = strict(mlpatch("evaluate x.tif --truth truth.tif --json")[1])["metrics"]
    assert beside == {key: pytest.approx(found[key]) for key in ("psnr", "ssim", "nrmse", "data_range")}
    wider = strict(mlpatch("evaluate x.tif --truth truth.tif --data-range 10 --json")[1])["metrics"]
    assert wider["psnr"] == pytest.approx(found["psnr"] + 20) and wider["data_range"] == 10
    assert "data range 10" in mlpatch("evaluate x.tif --data-range 10")[1]


def test_evaluate_without_the_truth(here, mlpatch):
    found = strict(mlpatch("evaluate x.tif --no-truth --json")[1])["metrics"]
    assert set(found) == {"relative_residual", "reduced_chi_square", "whiteness"}
    assert mlpatch("evaluate x.tif --no-truth --truth x.tif")[0] == 2


def test_evaluate_by_running_again(here, mlpatch):
    found = strict(mlpatch("evaluate x.tif --no-truth --rerun --json")[1])
    assert set(found["metrics"]) == {"relative_residual", "reduced_chi_square", "whiteness", "sure", "gcv", "frc"}
    assert found["left_out"] == {} and "null space" in found["words"]
    assert "SURE" in mlpatch("evaluate x.tif --rerun")[1]
    assert mlpatch("evaluate x.tif --measurement m.h5 --rerun")[0] == 2


def test_evaluate_in_a_region_and_of_each_slice(here, mlpatch):
    found = strict(mlpatch("evaluate x.tif --region 4:20,6: --background :4,:4 --each --json")[1])
    assert set(found["region"]) == {"psnr", "ssim", "nrmse", "mean", "std", "cnr", "data_range"}
    x = io.read_image("x.tif")[0]
    assert found["region"]["mean"] == pytest.approx(float(x[..., 4:20, 6:].mean()), rel=1e-5)
    assert found["each"] == [{key: pytest.approx(value) for key, value in found["metrics"].items()}]
    text = mlpatch("evaluate x.tif --region 4:20,6:")[1]
    assert "region 4:20,6:" in text and "contrast-to-noise ratio" in text
    for wrong in ("--region 4:4,0:9", "--region 9", "--region 900:990,0:9", "--background 0:4,0:4"):
        assert mlpatch(f"evaluate x.tif {wrong}")[0] == 2


def test_evaluate_writes_no_nan(here, mlpatch):
    io.write_image("truth.tif", np.eye(8))
    found = strict(mlpatch("evaluate truth.tif --truth truth.tif --json")[1])["metrics"]
    assert found["psnr"] is None and found["nrmse"] == 0


def test_replay_gives_the_same_picture(here, mlpatch):
    code, text, _ = mlpatch("replay x.tif --out again.tif --json")
    facts = strict(text)
    assert code == 0 and facts["same"] and facts["share_of_range"] <= 1e-6
    (old, recipe), (new, again) = io.read_image("x.tif"), io.read_image("again.tif")
    assert np.abs(old - new).max() <= 1e-6
    assert again == recipe
    assert "the same picture: largest difference 0" in mlpatch("replay again.tif")[1]


def test_replay_of_a_recipe_file(here, mlpatch):
    (here / "recipe.json").write_text(json.dumps(recipe_of("x.tif")))
    code, text, _ = mlpatch("replay recipe.json --out again.tif")
    assert code == 0 and "the same picture" not in text
    assert np.abs(io.read_image("x.tif")[0] - io.read_image("again.tif")[0]).max() <= 1e-6


def test_replay_tells_another_picture(here, mlpatch):
    picture, recipe = io.read_image("x.tif")
    picture[10, 10] += 1
    io.write_image("edited.tif", picture, recipe)
    code, text, _ = mlpatch("replay edited.tif")
    assert code == 1 and "another picture: largest difference 1," in text


def test_replay_finds_data_that_moved_along(here, mlpatch):
    recipe = recipe_of("x.tif")
    recipe["data"]["source"]["path"] = "/nowhere/m.h5"
    (here / "moved.json").write_text(json.dumps(recipe))
    code, _, error = mlpatch("replay moved.json --out again.tif")
    assert code == 0 and "is taken instead" in error
    (here / "m.h5").rename(here / "renamed.h5")
    assert mlpatch("replay moved.json")[0] == 2
    assert mlpatch("replay moved.json --data renamed.h5")[0] == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_replay_on_another_device(here, mlpatch):
    (here / "gpu.json").write_text(json.dumps(recipe_of("x.tif") | {"device": "cuda"}))
    code, _, error = mlpatch("replay gpu.json")
    assert code == 2 and "no usable GPU. Add --device cpu." in error
    assert mlpatch("replay gpu.json --device cpu --out again.tif")[0] == 0
    assert recipe_of("again.tif")["device"] == "cpu"


def test_bench(tmp_path, mlpatch, monkeypatch):
    (tmp_path / "_shared.py").write_text("")
    (tmp_path / "top_speed.py").write_text(
        "def run(options):\n"
        "    print('measuring', options)\n"
        "    row = {'name': 'A', 'ours': 1.0, 'theirs': 3.0, 'ratio': 3.0, 'unit': 'ms', 'required': 2.0}\n"
        "    other = row | {'name': 'B', 'ours': float('nan'), 'passed': None, 'note': 'not here'}\n"
        "    return [row | {'passed': '--fail' not in options}, other]\n"
    )
    monkeypatch.setattr(bench, "bundled", lambda name: tmp_path)
    assert mlpatch("bench") == (0, "top-speed\n", "")
    code, text, error = mlpatch("bench top-speed --json --size 64")
    rows = strict(text)
    assert code == 0 and rows[0]["ratio"] == 3 and rows[1]["ours"] is None and "['--size', '64']" in error
    code, text, _ = mlpatch("bench top-speed --fail")
    assert code == 1 and "NO" in text and "B: not here" in text
    code, _, error = mlpatch("bench sped")
    assert code == 2 and error == "mlpatch: There is no benchmark 'sped'. There are: top-speed.\n"


@pytest.mark.parametrize("passed", [True, False])
def test_reproduce(mlpatch, monkeypatch, passed):
    def run(row, *, seeds, data, slices, tell):
        print("computing")
        for k in range(9):
            tell(f"piece {k}")
        found = {"row": row, "published": 30.0, "ours": 30.1, "tolerance": 0.3, "seeds": seeds, "passed": passed}
        return found | {"std": float("nan"), "also": {"ssim": 0.9}}

    figures = {
        name: types.SimpleNamespace(title="Total variation", data=d) for name, d in (("tv", ""), ("own", "a.npz"))
    }
    fake = types.SimpleNamespace(run=run, FIGURES=figures)
    monkeypatch.setitem(sys.modules, "napari_mlpatch.reproduce", fake)
    monkeypatch.setattr("napari_mlpatch.reproduce", fake, raising=False)
    monkeypatch.setattr("napari_mlpatch.cli.reproduce.WAIT", math.inf)
    code, text, error = mlpatch("reproduce tv --json --seeds 2")
    assert code == (0 if passed else 1)
    assert error == "computing\npiece 0\npiece 1\n", "what is told soon after is not said"
    assert strict(text)["seeds"] == 2 and strict(text)["std"] is None
    assert ("MISSED" in mlpatch("reproduce tv")[1]) != passed
    listed = mlpatch("reproduce")[1].splitlines()
    assert [line.strip() for line in listed] == [
        "tv   Total variation",
        "own  Total variation  (--data FOLDER with a.npz)",
    ]


def test_demo_gets_its_arguments(mlpatch, monkeypatch):
    seen = []
    fake = types.SimpleNamespace(main=lambda words: seen.append(words))
    monkeypatch.setitem(sys.modules, "napari_mlpatch.gui", types.ModuleType("gui"))
    monkeypatch.setitem(sys.modules, "napari_mlpatch.gui.demo", fake)
    assert mlpatch("demo --out there --exit")[0] == 0
    assert seen == [["--out", "there", "--exit"]]

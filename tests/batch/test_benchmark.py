"""Simulate and benchmark: what is compared, ranked, reported, and not computed twice."""

import csv
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import cli
from napari_mlpatch.batch import benchmark as module
from napari_mlpatch.batch.benchmark import Compared, Ran, Run, Step, benchmark
from napari_mlpatch.batch.benchmark_recipe import EXAMPLE, BenchmarkRecipe, read_benchmark
from napari_mlpatch.batch.folder import Folder
from napari_mlpatch.batch.report import write_report
from napari_mlpatch.batch.summary import Spread, standings, written
from napari_mlpatch.core.run import Control

TINY = {
    "images": [{"kind": "sample", "name": "shepp-logan", "options": {"size": 24}}],
    "operator": {"name": "parallel-beam", "params": {"angles_deg": "0:180:10"}},
    "noise": {"name": "gaussian", "params": {"relative": 0.05}},
    "seeds": [3, 4],
    "methods": [{"name": "fbp"}, {"name": "tikhonov", "params": {"iterations": 5}, "label": "<smooth & quick>"}],
}


def recipe(**change):
    return BenchmarkRecipe(**{**TINY, **change})


def compared(made, folder, control=None):
    *events, last = benchmark(made, folder, control)
    assert isinstance(last, Compared)
    return last, [event for event in events if isinstance(event, Ran)]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "out", "benchmark")


def test_each_run_is_what_it_would_be_alone(folder):
    last, ran = compared(recipe(), folder)
    assert [(r.image, r.seed, r.method) for r in last.runs] == [(0, 3, 0), (0, 3, 1), (0, 4, 0), (0, 4, 1)]
    assert [event.index for event in ran] == [0, 1, 2, 3] and not any(event.reused for event in ran)
    image = mp.io.samples.image("shepp-logan", 24)
    A = mp.operators.ParallelBeam(**mp.operators.ParallelBeam.suggest((24, 24)) | {"angles_deg": "0:180:10"})
    for run in last.runs:
        problem = mp.simulate(torch.from_numpy(image), A, mp.noise.Gaussian(relative=0.05), seed=run.seed)
        method = mp.methods.Tikhonov(iterations=5) if run.method else mp.methods.FBP()
        alone = mp.reconstruct(problem, method, seed=run.seed)
        assert run.metrics == alone.metrics and run.iterations == alone.iterations
        assert run.history[-1]["psnr"] == pytest.approx(alone.metrics["psnr"])
        path = folder.path / f"{run.name}.tif"
        assert path.is_file() == (run.seed == 3)
        if run.seed == 3:
            assert np.array_equal(mp.io.read_image(path)[0], alone.x[0, 0].numpy())
            assert cli.main(["replay", str(path)]) == 0


def test_what_is_there_is_not_computed_again(folder, monkeypatch):
    first, _ = compared(recipe(), folder)
    more = recipe(seeds=[3, 4, 5], methods=[*TINY["methods"], {"name": "tv", "params": {"iterations": 2}}])
    calls = []
    real = module.run
    monkeypatch.setattr(module, "run", lambda made, *a, **k: calls.append(made.method.name) or real(made, *a, **k))
    again, ran = compared(more, Folder(folder.path, "benchmark"))
    assert sorted(calls) == ["fbp", "tikhonov", "tv", "tv", "tv"]
    assert [event.reused for event in ran] == [True, True, False] * 2 + [False] * 3
    both = [run for run in again.runs if run.method < 2 and run.seed < 5]
    assert [(r.key, r.metrics) for r in both] == [(r.key, r.metrics) for r in first.runs]
    calls.clear()
    changed = recipe(noise={"name": "gaussian", "params": {"relative": 0.06}})
    compared(changed, Folder(folder.path, "benchmark"))
    assert len(calls) == 4  # other data
    (folder.path / f"{both[0].name}.json").write_text("{}")
    calls.clear()
    _, ran = compared(recipe(), Folder(folder.path, "benchmark", force=True))
    assert calls == ["fbp"]  # what was changed is computed anew


def test_one_row_that_fails_ends_no_other(folder, monkeypatch):
    entrants = [
        {"name": "fbp"},
        {"name": "tv", "params": {"weight": -1.0}},
        {"name": "unet", "weights": "no-such-weights"},
        {"name": "unrolled"},
        {"name": "tikhonov", "params": {"iterations": 2}},
    ]
    images = [*TINY["images"], {"kind": "file", "path": "/nowhere/image.png"}]
    last, _ = compared(recipe(seeds=[0], methods=entrants, images=images), folder)
    words = ["", "greater than 0", "no-such-weights", "needs trained weights", ""]
    for run, word in zip(last.runs[:5], words, strict=True):
        assert word in run.error and bool(run.error) == bool(word)
    assert all("nowhere" in run.error for run in last.runs[5:])
    ranking = standings(last.recipe, last.runs)
    assert [one.method for one in ranking[:2]] in ([0, 4], [4, 0]) and all(one.failed for one in ranking)
    page = write_report(folder, last).read_text()
    assert "greater than 0" in page and "nowhere" in page
    monkeypatch.setattr(mp.methods.FBP, "solve", lambda self, *a, **k: 1 / 0)
    last, _ = compared(recipe(seeds=[9]), folder)
    assert "ZeroDivisionError" in last.runs[0].error and not last.runs[1].error


def test_mean_and_standard_deviation(folder):
    values = [20.0, 22.0, 27.0]
    spread = Spread.of([*values, float("nan")])
    assert spread.n == 3 and spread.mean == pytest.approx(np.mean(values))
    assert spread.sd == pytest.approx(np.std(values, ddof=1))
    assert written(spread, "psnr") == "23.00 ± 3.61" and written(Spread.of([2.0]), "psnr") == "2.00"
    assert written(Spread.of([]), "psnr") == "-"
    made = recipe(seeds=[1, 2, 3])
    runs = [Run(0, s, m, metrics={"psnr": v + m}) for m in (0, 1) for s, v in zip((1, 2, 3), values, strict=True)]
    first, second = standings(made, runs)
    assert (first.method, first.rank, second.method, second.rank) == (1, 1, 0, 2)
    assert first.figures["psnr"].mean == pytest.approx(24.0) and second.figures["psnr"].sd == pytest.approx(spread.sd)
    broken = [*runs[:3], Run(0, 1, 1, metrics={"psnr": 90.0}), Run(0, 2, 1, error="no"), Run(0, 3, 1, error="no")]
    assert [one.method for one in standings(made, broken)] == [0, 1]  # a mean of less comes behind


def test_the_report_is_one_page_that_needs_nothing_else(folder):
    last, _ = compared(recipe(), folder)
    page = write_report(folder, last).read_text()
    words = re.sub(r"data:image/png;base64,[^\"]+", "data:", page)
    assert set(re.findall(r"(?:src|href)=\"?([^\" >]*)", words)) == {"data:"}
    assert "<script" not in words and "http" not in words
    assert "&lt;smooth &amp; quick&gt;" in page and "<smooth" not in page
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", page)
    assert len(pictures) == 2 + 3 + 2  # plots, truth and two pictures, two errors
    from base64 import b64decode
    from io import BytesIO

    for content in pictures:
        Image.open(BytesIO(b64decode(content))).verify()
    (best, _) = csv.DictReader((folder.path / "summary.csv").open())
    values = [run.metrics["psnr"] for run in last.runs if last.recipe.methods[run.method].title == best["method"]]
    assert float(best["psnr_mean"]) == pytest.approx(np.mean(values))
    assert float(best["psnr_sd"]) == pytest.approx(np.std(values, ddof=1))
    about = json.loads((folder.path / "benchmark.json").read_text())
    assert about["ranked_by"] == "psnr" and len(about["runs"]) == 4
    assert len(list(csv.DictReader((folder.path / "runs.csv").open()))) == 4


def test_cancelled_with_what_there_is(folder):
    control, seen = Control(), []
    slow = recipe(methods=[{"name": "fbp"}, {"name": "tv", "params": {"iterations": 500, "tolerance": 0.0}}])
    for event in benchmark(slow, folder, control):
        seen.append(event)
        if isinstance(event, Step) and event.index == 1:
            control.cancel()
    assert isinstance(seen[-1], Compared) and seen[-1].cancelled and len(seen[-1].runs) == 1
    assert "Cancelled" in write_report(folder, seen[-1]).read_text()


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["batch", "compare", "--example"]) == 0
    assert json.loads(capsys.readouterr().out) == EXAMPLE
    assert BenchmarkRecipe(**EXAMPLE).count == 16
    image = np.zeros((20, 20), np.float32)
    image[5:12, 6:14] = 1.0
    np.save("square.npy", image)
    text = json.dumps(TINY | {"images": [{"kind": "file", "path": "square.npy"}], "seeds": [0]})
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "r.json").write_text(text)
    (tmp_path / "square.npy").rename(tmp_path / "deep" / "square.npy")  # beside the recipe
    line = ["batch", "compare", "deep/r.json", "--out", "out"]
    assert cli.main([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["rank"] for row in found["ranking"]] == [1, 2] and found["ranking"][0]["failed"] == 0
    assert cli.main(line) == 0 and capsys.readouterr().err.count("was there") == 2
    for words in (
        ["batch", "compare"],
        ["batch", "compare", "deep/r.json"],
        ["batch", "compare", "deep/square.npy", "--out", "x"],
    ):
        assert cli.main(words) == 2
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": []}, "images"),
        ({"seeds": [-1]}, "seeds"),
        ({"seeds": [1, 1]}, "there twice"),
        ({"methods": [{"name": "fbp"}, {"name": "fbp"}]}, "'fbp' is there twice"),
        ({"methods": [{"name": "magic"}]}, "magic"),
        ({"operator": {"name": "magic"}}, "magic"),
        ({"operator": {"name": "identity", "params": {"angles": 3}}}, "has no angles"),
        ({"noise": {"name": "gaussian", "params": {"relative": -1}}}, "relative"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_impossible_recipes(tmp_path, change, words):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(TINY | change))
    with pytest.raises(mp.InputError, match=words):
        read_benchmark(path)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"format": "napari-mlpatch recipe 1"}'])
def test_what_is_no_recipe(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(mp.InputError, match="not a recipe of a benchmark"):
        read_benchmark(tmp_path / "r.json")

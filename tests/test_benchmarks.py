"""The benchmarks run in a tiny configuration and give well-formed rows. Nothing here asserts a speed."""

import importlib.util
import math
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from napari_mlpatch.paths import bundled

COLUMNS = {"name", "ours", "theirs", "ratio", "unit", "required", "passed"}
TINY = {
    "batch": ["--size", "24", "--angles", "12", "--slices", "2", "--repeats", "1", "--only", "fbp"],
    "closed_forms": ["--size", "24", "--repeats", "1"],
    "estimate": ["--sizes", "24", "--only", "identity", "--methods", "tv", "direct", "--iterations", "2"],
    "fan": ["--size", "24", "--views", "9", "--bins", "30", "--repeats", "1"],
    "mlpatch": ["--size", "24", "--repeats", "1", "--kinds", "small,published", "--memory", "none"],
    "memory": ["--sizes", "32,48", "--images", "2", "--pixels", "8"],
    "nufft": ["--sizes", "16", "--repeats", "1"],
    "operators": ["--size", "24", "--only", "identity", "inpainting"],
    "projector": ["--size", "24", "--angles", "5", "--repeats", "1"],
    "unrolled": ["--size", "24", "--angles", "5", "--iterations", "1", "--repeats", "1"],
    "tv": ["--size", "24", "--angles", "12", "--repeats", "1", "--long", "150"],
}


def load(name: str) -> ModuleType:
    path = bundled("benchmarks") / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    load("projector")  # which puts the folder on the path
    return sys.modules["_measure"]


def check(rows: list[dict]) -> None:
    assert rows
    assert len({row["name"] for row in rows}) == len(rows), "two rows with one name"
    for row in rows:
        assert set(row) >= COLUMNS, row
        assert (row["theirs"] is None) == (row["ratio"] is None)
        if row["ours"] is None:
            assert row["note"], f"{row['name']} says neither a figure nor why there is none"
            assert row["passed"] is None or (row["passed"] is False and row["required"] is not None)
        else:
            assert math.isfinite(row["ours"])
            assert (row["passed"] is None) == (row["required"] is None)


@pytest.mark.parametrize("name", TINY)
def test_rows_are_well_formed(name):
    check(load(name).run(TINY[name]))


def test_table_of_the_projector():
    rows = load("projector").run(["--table", "--sizes", "16", "--angles", "4"])
    check(rows)
    assert {row["unit"] for row in rows} == {"ms", "s", "GB"}


@pytest.mark.parametrize(("name", "part"), [("projector", "ASTRA strip"), ("tv", "ASTRA linear")])
def test_a_missing_astra_is_said(name, part, monkeypatch):
    module = load(name)
    monkeypatch.setattr(module, "find_astra", lambda: (None, "not here"))
    if name == "projector":
        rows = module.astra_rows("strip", 24, 5, 1, floors=(1.0, 1.0, 1.0)) + module.agreement_rows(24, 5)
    else:
        rows = module.run(TINY[name])
    missing = [row for row in rows if part in row["name"]]
    assert missing
    assert all(row["note"] == "not here" and row["passed"] is None for row in missing)
    check(rows)


@pytest.mark.slow
def test_rows_of_the_window():
    options = "--repeats 1 --seconds 1 --size 32 --angles 12 --results 2 --pixels 32 --iterates 12 --settle 0.02"
    options += " --slices 6"
    rows = load("gui").run(options.split())
    check(rows)
    if rows[0]["ours"] is not None:
        assert [row["required"] for row in rows if row["required"]] == [5.0, 1.0, 100.0, 100.0, 300.0, *[100.0] * 19]


def test_a_missing_display_is_said(monkeypatch):
    gui = load("gui")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(gui.sys, "platform", "linux")
    monkeypatch.setattr(gui.shutil, "which", lambda name: None)
    rows = gui.run([])
    check(rows)
    assert all("xvfb" in row["note"] for row in rows)


@pytest.mark.parametrize("name", [*TINY, "gui"])
def test_unknown_options_are_refused(name):
    with pytest.raises(SystemExit):
        load(name).run(["--sise", "24"])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("memory", "--sizes a", "'a' is not a whole number"),
        ("memory", "--images 0", "'0' is not a whole number"),
        ("memory", "--device tpu", "invalid choice: 'tpu'"),
        ("mlpatch", "--kinds foo", "no kind 'foo'. There are: small, full, published"),
        ("mlpatch", "--memory 512", "'512' is not a smaller and a larger size"),
        ("mlpatch", "--memory 64,32", "'64,32' is not a smaller and a larger size"),
        ("mlpatch", "--repeats -1", "'-1' is not a whole number"),
    ],
)
def test_wrong_values_are_refused_at_once(name, options, words, capsys):
    with pytest.raises(SystemExit):
        load(name).run(options.split())
    assert words in capsys.readouterr().err


def test_kinds_of_mlpatch_are_those_of_the_cards():
    mlpatch = load("mlpatch")
    for kind, name in mlpatch.KINDS.items():
        wanted = mlpatch.weights.find(name).card.architecture.params if name else {}
        assert mlpatch.make(kind).config == mlpatch.networks.build("mlpatch", wanted).config
    assert mlpatch.make("full").config.widths == (840,) * 5
    assert mlpatch.make("published").config.head == "multimlp"


def test_a_size_that_breaks_down_has_not_passed(monkeypatch):
    memory = load("memory")

    def in_process(what, size, given):
        return "the process failed: killed" if size == 256 else {"saved": 1e9, "peak": 1e9, "seconds": 1.0}

    monkeypatch.setattr(memory, "in_process", in_process)
    monkeypatch.setattr(memory, "RIVALS", {})
    rows = memory.run(["--sizes", "128,256"])
    check(rows)
    broken = {row["name"]: row["passed"] for row in rows if row["ours"] is None}
    assert len(broken) == 4 and all(passed is False for passed in broken.values())
    assert all(row["passed"] for row in rows if row["name"].startswith("128") and row["required"])
    assert all(row["passed"] is None for row in memory.run(["--sizes", "256", "--images", "2"]))


def test_a_missing_gpu_is_said(monkeypatch):
    memory = load("memory")
    monkeypatch.setattr(memory.torch.cuda, "is_available", lambda: False)
    rows = memory.run(["--device", "cuda"])
    check(rows)
    assert [(row["passed"], row["note"]) for row in rows] == [(None, "there is no usable GPU")] * 4


def test_memory_of_mlpatch_that_breaks_down_has_not_passed(monkeypatch):
    mlpatch = load("mlpatch")
    killed = mlpatch.subprocess.CompletedProcess([], 137, "", "killed")
    monkeypatch.setattr(mlpatch.subprocess, "run", lambda *args, **options: killed)
    (row,) = mlpatch.memory_rows("small", 512, 4096)
    assert row["passed"] is False and "killed" in row["note"]


def test_weights_of_the_others_are_not_counted():
    memory = load("memory")
    one, two = (memory.rival("dncnn", 8, images)["ours"] * memory.GIB for images in (1, 2))
    constant = 2 * one - two  # what does not grow with the images: the weights would be 12 MB
    assert 0 <= constant < 1e5


def test_figures_of_the_projector_that_are_no_speeds():
    rows = {row["name"]: row for row in load("projector").agreement_rows(32, 9)}
    assert rows["adjoint mismatch, float32, 9 angles"]["passed"]
    assert rows["adjoint mismatch, float64, 9 angles"]["passed"]
    assert rows["AᵀA beside Aᵀ(A x), 9 angles"]["ours"] < 1e-4


def test_ratios_are_of_pairs(measure):
    pair = measure.Pair(ours=[1.0, 2.0, 4.0], theirs=[3.0, 8.0, 4.0])
    assert pair.ratio == 3.0
    assert pair.ratio_of_minima == 3.0
    assert measure.compared("a", pair, required=2.5)["passed"] is True
    assert measure.compared("a", pair, required=3.5)["passed"] is False
    assert measure.measured("a", 0.2, "GB", at_most=0.5)["passed"] is True
    assert measure.measured("a", math.nan, "GB", at_most=0.5)["passed"] is False


def test_calls_alternate(measure):
    calls = []
    pair = measure.paired(lambda: calls.append("a"), lambda: calls.append("b"), repeats=3, block_s=1e-9)
    assert "".join(calls) == "abababab"
    assert len(pair.ours) == len(pair.theirs) == 3


def test_pdhg_and_tv_agree():
    """Two algorithms that share nothing but the problem find the same optimum: each is the other's oracle."""
    tv = load("tv")
    y, std = tv.measurement(32, 15)
    weight, best, state = tv.reference(y, std, 32, 400)
    A = tv.geometry(32, 15)
    steps = tv.pdhg(A, A.T, y, A.pinv(y), weight, A.norm, 0.3)
    x = residual = torch.zeros(0)
    for _ in range(1500):
        x, residual = next(steps)
    assert tv.objective(residual, x, weight) == pytest.approx(best, rel=2e-4)
    assert float((x - state["x"]).norm() / x.norm()) < 5e-3
    assert np.isclose(tv.objective(A(x) - y, x, weight), tv.objective(residual, x, weight), rtol=1e-4)


def test_estimates_of_methods_without_fitting_weights_say_why(monkeypatch):
    """Learned methods whose weights are not there, or are for another operator, are left out in words."""
    estimate = load("estimate")
    monkeypatch.setattr(estimate.mp.weights, "available", list)
    (row,) = estimate.run(["--sizes", "24", "--only", "identity", "--methods", "direct", "--denoiser", "network"])
    assert row["passed"] is None and "No weights of 'direct' fit" in row["note"]

"""Sweeps: every combination, scored, with the best one found, and none lost when another fails."""

import csv
import json

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import cli
from napari_mlpatch.batch.folder import Folder
from napari_mlpatch.batch.sheet import rows_of
from napari_mlpatch.batch.sweep import Candidate, Ended, Step, Swept, planned, sweep
from napari_mlpatch.batch.values import Axis, axis
from napari_mlpatch.core.run import Control

M = mp.methods


@pytest.fixture(scope="module")
def problem():
    x = torch.zeros(16, 16)
    x[4:11, 5:12] = 1.0
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:12", detector_count=24)
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.1), seed=1)


def swept(problem, methods, *axes, **options):
    *_, last = sweep(problem, [Candidate(m) for m in methods], axes, **options)
    assert isinstance(last, Swept)
    return last.sweep


def test_every_combination_is_what_it_would_be_alone(problem):
    made = swept(problem, [M.TV(iterations=6), M.Tikhonov()], Axis("weight", (0.1, 10.0)))
    assert [(c.method, c.values["weight"]) for c in made.cells] == [
        (name, w) for name in ("tv", "tikhonov") for w in (0.1, 10.0)
    ]
    for cell in made.cells:
        method = {"tv": M.TV(iterations=6, **cell.values), "tikhonov": M.Tikhonov(**cell.values)}[cell.method]
        alone = mp.reconstruct(problem, method)
        assert np.array_equal(cell.picture, alone.x[0, 0].numpy()) and cell.metrics == alone.metrics
        assert cell.recipe == alone.recipe
        assert cell.lengths[0] == pytest.approx(float((problem.A(alone.x) - problem.y).norm()), rel=1e-6)
    assert made.ranked_by == "psnr" and made.best == int(np.argmax([c.metrics["psnr"] for c in made.cells]))
    assert np.array_equal(made.found.x[0, 0].numpy(), made.cells[made.best].picture)
    assert rows_of(made) == [[0, 1], [2, 3]]


def test_two_parameters_and_one_of_a_method_alone(problem):
    made = swept(problem, [M.TV(iterations=3)], Axis("weight", (1.0, 2.0)), Axis("norm", ("isotropic", "anisotropic")))
    assert [tuple(c.values.values()) for c in made.cells] == [
        (1.0, "isotropic"), (1.0, "anisotropic"), (2.0, "isotropic"), (2.0, "anisotropic"),
    ]  # fmt: skip
    assert rows_of(made) == [[0, 1], [2, 3]] and made.corner is None
    made = swept(problem, [M.TV(iterations=3), M.FBP()], Axis("weight", (1.0, 2.0), "tv"))
    assert [c.values for c in made.cells] == [{"weight": 1.0}, {"weight": 2.0}, {}]


def test_nothing_is_lost_where_one_fails(problem, monkeypatch):
    made = swept(problem, [M.TV(iterations=3)], Axis("weight", (1.0, -1.0, 2.0)))
    assert [bool(c.error) for c in made.cells] == [False, True, False] and made.best in (0, 2)
    assert "greater than 0" in made.cells[1].error and made.cells[1].picture is None
    monkeypatch.setattr(M.TV, "solve", lambda self, *a, **k: 1 / (self.weight - 2.0))
    made = swept(problem, [M.TV()], Axis("weight", (2.0,)))
    assert "ZeroDivisionError" in made.cells[0].error and made.best is None


def test_scored_and_shown_on_a_region(problem):
    made = swept(problem, [M.Tikhonov()], Axis("weight", (0.1, 10.0)), region="2:8,3:12")
    for cell in made.cells:
        alone = mp.reconstruct(problem, M.Tikhonov(**cell.values)).x
        assert np.array_equal(cell.picture, alone[0, 0, 2:8, 3:12].numpy())
        error = (alone - problem.truth)[0, 0, 2:8, 3:12].double().square().mean()
        assert cell.metrics["psnr"] == pytest.approx(float(-10 * torch.log10(error)), abs=1e-5)


def test_of_a_stack_one_slice_or_all():
    A = mp.operators.Identity(image_shape=(8, 8))
    y = torch.rand(3, 1, 8, 8)
    stack = mp.Problem(A, y, truth=y, noise_std=0.1)
    whole = swept(stack, [M.Tikhonov()], Axis("weight", (0.5,)))
    one = swept(stack, [M.Tikhonov()], Axis("weight", (0.5,)), item=1)
    alone = mp.reconstruct(mp.Problem(A, y[1], noise_std=0.1), M.Tikhonov(weight=0.5))
    assert np.allclose(one.cells[0].picture, alone.x[0, 0].numpy()) and whole.found.x.shape[0] == 3
    with pytest.raises(mp.InputError, match="from 0 to 2"):
        swept(stack, [M.Tikhonov()], Axis("weight", (0.5,)), item=3)


def test_without_truth_the_residual_or_the_corner_decides(problem):
    axes = Axis("weight", tuple(np.geomspace(1e-2, 1e3, 7).tolist()))
    blind = mp.Problem(problem.A, problem.y, noise_std=problem.noise_std)
    made = swept(blind, [M.Tikhonov(iterations=40)], axes)
    assert made.ranked_by == "reduced_chi_square"
    chi = [c.metrics["reduced_chi_square"] for c in made.cells]
    assert made.best == int(np.argmin(np.abs(np.array(chi) - 1.0)))
    unknown = swept(mp.Problem(problem.A, problem.y), [M.Tikhonov(iterations=40)], axes)
    assert unknown.ranked_by is None and unknown.best == unknown.corner.index


def test_cancelled_between_two_steps_with_what_there_is(problem):
    control, seen = Control(), []
    for event in sweep(
        problem, [Candidate(M.TV(iterations=50, tolerance=0.0))], [Axis("weight", (1.0, 2.0))], control=control
    ):
        seen.append(event)
        if isinstance(event, Ended):
            control.cancel()
    assert isinstance(seen[-1], Swept) and seen[-1].cancelled
    assert [c.picture is not None for c in seen[-1].sweep.cells] == [True, False]
    control, steps = Control(), 0
    for event in sweep(problem, [Candidate(M.TV(iterations=50))], [Axis("weight", (1.0,))], control=control):
        steps += isinstance(event, Step)
        control.cancel()
    assert steps == 1 and event.cancelled and event.sweep.best is None


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([], "one or two"),
        ([Axis("weight", (1.0,))] * 3, "one or two"),
        ([Axis("window", ("hann",))], "None of the methods"),
        ([Axis("weight", tuple(range(1, 40))), Axis("iterations", tuple(range(1, 40)))], "1521 combinations"),
    ],
)
def test_impossible_plans(axes, words):
    with pytest.raises(mp.InputError, match=words):
        planned([Candidate(M.TV())], axes)


def test_on_the_command_line(problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mp.io.write_measurement("m.h5", problem)
    line = "batch sweep m.h5 --method tikhonov --method tv --set tv.iterations=5 --vary weight=0.1:10:log5 --out s"
    assert cli.main(line.split()) == 0
    table = list(csv.DictReader((tmp_path / "s" / "sweep.csv").open()))
    (best,) = (row for row in table if row["best"] == "True")
    assert len(table) == 10 and float(best["psnr"]) == max(float(row["psnr"]) for row in table)
    about = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert about["ranked_by"] == "psnr" and table[about["best"]] == best
    for name in ("sheet.png", "l-curve.png"):
        assert (tmp_path / "s" / name).read_bytes().startswith(b"\x89PNG")
    assert cli.main(["replay", "s/best.tif"]) == 0 and cli.main(["replay", "s/best.json"]) == 0
    capsys.readouterr()
    assert cli.main([*line.split(), "--json"]) == 0  # again into its own folder
    assert json.loads(capsys.readouterr().out)["best"] == about["best"]
    (tmp_path / "s" / "sweep.csv").write_text("mine")
    assert cli.main(line.split()) == 2 and "changed since" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    assert cli.main(line.replace("--out s", "--out other").split()) == 2
    assert "holds other things" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["--vary wait=1", "--vary weight=1 --set window=hann", "--vary weight=1 --region 9"])
def test_wrong_command_lines(problem, tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    mp.io.write_measurement("m.h5", problem)
    assert cli.main(["batch", "sweep", "m.h5", "--method", "tv", "--out", "s", *line.split()]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_keeps_what_is_not_ours(tmp_path):
    folder = Folder(tmp_path / "new", "sweep")
    folder.write("a.txt", "1")
    again = Folder(tmp_path / "new", "sweep")
    again.write("a.txt", "2")
    assert again.is_own("a.txt") and again.read_json("a.txt") == 2
    (tmp_path / "new" / "a.txt").write_text("3")
    with pytest.raises(mp.InputError, match="changed since"):
        again.write("a.txt", "4")
    assert again.read_json("a.txt") is None
    Folder(tmp_path / "new", "sweep", force=True).write("a.txt", "4")
    with pytest.raises(mp.InputError, match="other things"):
        Folder(tmp_path / "new", "benchmark")
    (tmp_path / "file").write_text("")
    with pytest.raises(mp.InputError, match="is a file"):
        Folder(tmp_path / "file", "sweep")


def test_axis_is_what_the_command_line_means():
    assert axis("weight=1,2", ["tv"]) == Axis("weight", (1.0, 2.0))

"""Runs on the workers of a Dask cluster give what they give here; one that fails ends no other."""

import json

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import cli
from napari_mlpatch.batch.benchmark import Compared, Ran, benchmark
from napari_mlpatch.batch.benchmark_recipe import BenchmarkRecipe
from napari_mlpatch.batch.folder import Folder
from napari_mlpatch.batch.pool import Pool
from napari_mlpatch.batch.sweep import Candidate, Ended, Swept, sweep
from napari_mlpatch.batch.values import Axis
from napari_mlpatch.core.run import Control

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    """Two workers with two threads each, in this process."""
    options = {"processes": False, "n_workers": 2, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture(scope="module")
def problem():
    x = torch.zeros(16, 16)
    x[4:11, 5:12] = 1.0
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:12", detector_count=24)
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.1), seed=1)


def test_a_sweep(client, problem):
    candidates = [Candidate(mp.methods.TV(iterations=6)), Candidate(mp.methods.Tikhonov())]
    axes = [Axis("weight", (-1.0, 0.1, 10.0))]
    *events, there = sweep(problem, candidates, axes, pool=Pool(client))
    *_, here = sweep(problem, candidates, axes)
    assert isinstance(there, Swept) and isinstance(here, Swept) and not there.cancelled
    assert sorted(event.index for event in events if isinstance(event, Ended)) == list(range(6))
    assert there.sweep.best == here.sweep.best and torch.equal(there.sweep.found.x, here.sweep.found.x)
    for ours, theirs in zip(there.sweep.cells, here.sweep.cells, strict=True):
        assert (ours.error, ours.metrics, ours.recipe) == (theirs.error, theirs.metrics, theirs.recipe)
        assert ours.error or np.array_equal(ours.picture, theirs.picture)


def test_a_benchmark_and_what_was_there(client, tmp_path):
    recipe = BenchmarkRecipe(
        images=[{"kind": "sample", "name": "shepp-logan", "options": {"size": 24}}],
        operator={"name": "parallel-beam", "params": {"angles_deg": "0:180:10"}},
        noise={"name": "gaussian", "params": {"relative": 0.05}},
        seeds=[3, 4],
        methods=[
            {"name": "fbp"},
            {"name": "tikhonov", "params": {"iterations": -5}},
            {"name": "pnp-admm", "params": {"denoiser": "wavelets", "iterations": 2}},  # whose library knows Dask, too
        ],
    )
    *_, here = benchmark(recipe, Folder(tmp_path / "here", "benchmark"))
    *_, there = benchmark(recipe, Folder(tmp_path / "there", "benchmark"), pool=Pool(client))
    assert isinstance(here, Compared) and isinstance(there, Compared)
    for ours, theirs in zip(there.runs, here.runs, strict=True):
        assert (ours.key, ours.metrics, ours.error) == (theirs.key, theirs.metrics, theirs.error)
        assert bool(ours.error) == (ours.method == 1)
    names = {path.name for path in (tmp_path / "here" / "runs").iterdir()}
    assert names == {path.name for path in (tmp_path / "there" / "runs").iterdir()}
    again = list(benchmark(recipe, Folder(tmp_path / "there", "benchmark"), pool=Pool(client)))
    assert [event.reused for event in again if isinstance(event, Ran) and not event.run.error] == [True] * 4


def test_stopped_and_cancelled(client, problem):
    for wish in ("stop", "cancel"):
        control, ended = Control(), []
        candidates = [Candidate(mp.methods.TV(iterations=6))]
        axes = [Axis("weight", tuple(np.geomspace(0.1, 10, 40).tolist()))]
        for event in sweep(problem, candidates, axes, pool=Pool(client), control=control):
            if isinstance(event, Ended):
                ended.append(event.index)
                getattr(control, wish)()
        assert isinstance(event, Swept) and event.cancelled and 1 <= len(ended) < 40


def divided(shared, item):
    return shared / item


def test_one_that_raises(client):
    found = dict(Pool(client).results(divided, 6, [1, 0, 3], Control()))
    assert (found[0], found[2]) == (6.0, 2.0) and isinstance(found[1], ZeroDivisionError)


def test_on_the_command_line(client, problem, tmp_path, capsys):
    np.save(tmp_path / "y.npy", problem.y[0, 0].numpy())
    command = ["batch", "sweep", str(tmp_path / "y.npy"), "--angles", "0:180:12", "--method", "tv", "--json"]
    command += ["--set", "iterations=3", "--vary", "weight=1,2", "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--scheduler", client.scheduler.address]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [cell["weight"] for cell in cells] == [1.0, 2.0] and all(cell["iterations"] == 3 for cell in cells)

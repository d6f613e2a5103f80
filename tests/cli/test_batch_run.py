"""The command that reconstructs a stack, and what it says of bad input."""

import json

import h5py
import numpy as np
import pytest
import tifffile

from napari_mlpatch.cli import main
from napari_mlpatch.stacks.sinks import sink_for

from ..stacks.blobs import projections
from ..stacks.conftest import *  # noqa: F403  the small scan


@pytest.fixture
def slice_(exchange, workdir):
    """A picture of one slice with its recipe, in the current folder."""
    assert main(["reconstruct", str(exchange), "--method", "fbp", "--out", "slice.tif"]) == 0
    return "slice.tif"


def test_a_stack_from_the_recipe_of_a_slice(slice_, exchange, capsys):
    words = ["batch", "run", slice_, str(exchange), "--out", "volume.h5"]
    assert main([*words, "--slices", "1:9", "--block", "3", "--care", "rings:width=5", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert (out["done"], out["slices"], out["failed"]) == (8, 8, [])
    with h5py.File("volume.h5") as file:
        assert file["image"].shape == (8, 32, 32) and np.isfinite(file["image"][:]).all()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "volume.doc"], "a volume is written as .zarr"),
        (["--out", "nowhere/volume.zarr"], "nowhere does not exist"),
        (["--out", "volume.zarr", "--slices", "5:50"], "slices 5 to 50 are asked for, of a stack that has 0 to 10"),
        (["--out", "volume.zarr", "--slices", "some"], "--slices is FIRST:LAST"),
        (["--out", "volume.zarr", "--center", "left"], "--center is a bin"),
        (["--out", "volume.zarr", "--care", "polish"], "Unknown care step 'polish'"),
        (["--out", "volume.zarr", "--memory", "0.00001"], "of which 0.0102 MiB may be used by a worker"),
        (["--out", "volume.zarr", "--scheduler", "tcp://127.0.0.1:9"], "No Dask scheduler answers"),
    ],
)
def test_bad_input(words, told, slice_, exchange, capsys, monkeypatch):
    from napari_mlpatch.stacks.executors import cluster

    monkeypatch.setattr(cluster, "ANSWER", 0.5)
    assert main(["batch", "run", slice_, str(exchange), *words]) == 2
    assert told in capsys.readouterr().err


def test_the_axis_is_found(workdir, capsys):
    """Of blobs whose axis leans by a degree; where a step puts it upright, it is the same in all slices."""
    angles = np.arange(0.0, 180.0, 4.0)
    np.save("y.npy", projections(angles, np.arange(16), 64, 33.0, 1.0, middle=7.5))
    assert (
        main(["reconstruct", "y.npy", "--angles", "0:180:45", "--slice", "8", "--method", "fbp", "--out", "s.tif"]) == 0
    )
    centers = []
    for name, care in (("line", []), ("upright", ["--care", "tilt:degrees=1,bins=64"])):
        assert main(["batch", "run", "s.tif", "y.npy", "--center", "auto", "--out", f"{name}.h5", *care]) == 0
        assert "tilt 1 degrees" in capsys.readouterr().err
        about = sink_for(f"{name}.h5").about()
        assert about is not None and about["complete"]
        centers.append(about["recipe"]["center"])
    assert [one["kind"] for one in centers] == ["linear", "same"]
    assert centers[0]["values"] == pytest.approx([32.87, 33.13], abs=0.1)
    assert centers[1]["values"] == pytest.approx([33.0], abs=0.1)


def test_a_slice_of_a_volume_is_made_again_with_its_care(workdir, capsys):
    """By itself it has the numbers of the volume, which those of the recipe without care are not."""
    angles = np.arange(0.0, 180.0, 4.0)
    y = projections(angles, np.arange(6), 32, 15.5, 0.0, middle=2.5)
    y[..., 20] += 0.5
    np.save("y.npy", y)
    words = ["--angles", "0:180:45", "--method", "fbp"]
    assert main(["reconstruct", "y.npy", "--slice", "2", *words, "--out", "s.tif"]) == 0
    assert main(["batch", "run", "s.tif", "y.npy", "--care", "rings:width=5", "--block", "4", "--out", "all.h5"]) == 0
    assert main(["batch", "run", "all.h5", "y.npy", "--slices", "3:4", "--out", "one.tif"]) == 0
    with h5py.File("all.h5") as file:
        expected = file["image"][3]
    (one,) = tifffile.imread("one.tif")
    np.testing.assert_allclose(one, expected, atol=1e-6 * np.abs(expected).max())
    assert main(["reconstruct", "y.npy", "--slice", "3", *words, "--out", "plain.tif"]) == 0
    assert np.abs(tifffile.imread("plain.tif") - expected).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["volume.tif", "volume.h5", "volume.zarr", "volume"])
def test_a_volume_is_not_replayed_but_run_again(name, slice_, exchange, capsys):
    assert main(["batch", "run", slice_, str(exchange), "--out", name, "--slices", "2:4"]) == 0
    assert main(["replay", name, "--out", "again.tif"]) == 2
    told = capsys.readouterr().err
    assert f"mlpatch batch run {name} {exchange} --out NEW.zarr" in told and "--slices K:K+1" in told

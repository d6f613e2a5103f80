"""Of chunks that are not compressed only the parts that are needed are read."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.io.readers import h5_stored
from napari_mlpatch.stacks import pieces
from napari_mlpatch.stacks.events import Copying, Started
from napari_mlpatch.stacks.sources.own import OwnStack

from .conftest import BINS, NAMES, SLICES, recipe_of
from .test_run_stack import ran, read

COUNTED = Path("/proc/self/io")


def bytes_read():
    return int(dict(line.split(": ") for line in COUNTED.read_text().splitlines())["rchar"])


@pytest.mark.skipif(not COUNTED.exists(), reason="the system does not count what is read")
@pytest.mark.parametrize("virtual", [False, True])
def test_of_chunks_that_are_not_compressed_only_the_parts_are_read(virtual, tmp_path):
    values = np.arange(100 * 32 * 512, dtype=np.uint16).reshape(100, 32, 512)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("data", data=values, chunks=(1, 32, 512))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[:] = h5py.VirtualSource(str(tmp_path / "data.h5"), "data", values.shape)
        file.create_virtual_dataset("data", layout)
    path = tmp_path / ("virtual.h5" if virtual else "data.h5")
    with h5py.File(path) as file:
        stored = h5_stored.stored_in(path, "data", file["data"], values.nbytes, None)
    assert stored.pieces == ()
    before = bytes_read()
    part = stored.read((slice(None), slice(3, 5)))
    assert bytes_read() - before < values.nbytes / 4
    np.testing.assert_array_equal(part, values[:, 3:5])


def test_chunks_that_are_not_compressed_are_not_copied(exchange, counts, tmp_path, monkeypatch):
    ran(recipe_of(exchange), exchange, tmp_path / "whole.zarr")
    with h5py.File(exchange, "r+") as file:
        for key, values in zip(NAMES, counts, strict=True):
            del file[key]
            file.create_dataset(key, data=values, chunks=(1, SLICES, BINS))
    monkeypatch.setattr(pieces, "most", lambda: 0)
    events = ran(recipe_of(exchange), exchange, tmp_path / "volume.zarr")
    assert not any(isinstance(event, Copying) for event in events)
    assert "piece of the file" not in str([event.notes for event in events if isinstance(event, Started)])
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_items_of_a_file_of_this_program_in_chunks(compression, tmp_path):
    A = mp.operators.Blur(image_shape=(20, 24), width=1.2)
    problem = mp.simulate(torch.rand(6, 1, 20, 24), A, noise=mp.noise.Gaussian(relative=0.02), seed=0)
    path = tmp_path / "m.h5"
    mp.io.write_measurement(path, problem)
    with h5py.File(path, "r+") as file:
        (group,) = file.values()
        values = group["y"][()]
        del group["y"]
        group.create_dataset("y", data=values, chunks=(4, 1, 20, 24), compression=compression)
    recipe = Recipe.of(mp.io.read_measurement(path), mp.methods.Tikhonov(weight=0.1, iterations=3))
    source = OwnStack(path, recipe)
    assert bool(source.pieces.every) == (compression is not None)
    np.testing.assert_array_equal(source.read(1, 3), values[1:3, 0])

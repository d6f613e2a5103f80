"""A stack becomes a volume: each slice what it is alone, from every format and into every one."""

import h5py
import numpy as np
import pytest
import tifffile
import torch
import zarr

import napari_mlpatch as mp
from napari_mlpatch.stacks.events import BlockDone, Finished, Started
from napari_mlpatch.stacks.run_stack import run_stack, strip

from .conftest import alone, pictures, recipe_of


def ran(*args, **kwargs):
    """The events of a run, which is complete."""
    events = list(run_stack(*args, **kwargs))
    assert events[-1].complete, events[-1].message
    return events


def read(path):
    if path.suffix == ".zarr":
        return zarr.open_array(str(path / "0"), mode="r")[:]
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return file["image"][:]
    if path.is_dir():
        return np.stack([tifffile.imread(file) for file in sorted(path.glob("slice_*.tif"))])
    return tifffile.imread(path)


@pytest.mark.parametrize("stack", ["exchange", "nxtomo", "folder"])
def test_each_slice_is_what_it_is_alone(stack, request, tmp_path):
    path = request.getfixturevalue(stack)
    recipe = recipe_of(path)
    events = ran(recipe, path, tmp_path / "volume.zarr")
    volume = read(tmp_path / "volume.zarr")
    assert volume.shape == (10, 32, 32) and volume.dtype == np.float32
    for index in range(10):
        expected = alone(path, recipe, index)
        assert np.abs(volume[index] - expected).max() <= 1e-5 * np.abs(expected).max()
    assert isinstance(events[0], Started) and events[0].blocks == 4
    assert sorted(event.block.index for event in events if isinstance(event, BlockDone)) == [0, 1, 2, 3]
    assert isinstance(events[-1], Finished) and events[-1].message == "10 of 10 slices"


@pytest.mark.parametrize("name", ["volume.h5", "volume.tif", "volume"])
def test_every_format_holds_the_same_numbers(name, exchange, tmp_path):
    recipe = recipe_of(exchange)
    ran(recipe, exchange, tmp_path / "volume.zarr")
    ran(recipe, exchange, tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name), read(tmp_path / "volume.zarr"))
    assert not list(tmp_path.glob("*.blocks"))


def test_an_iterative_method_with_items_of_their_own(exchange, tmp_path):
    recipe = recipe_of(exchange, mp.methods.TV(weight=0.01, iterations=15), slices=(2, 6))
    ran(recipe, exchange, tmp_path / "volume.h5")
    for k, picture in enumerate(read(tmp_path / "volume.h5")):
        expected = alone(exchange, recipe, 2 + k)
        assert np.linalg.norm(picture - expected) <= 1e-5 * np.linalg.norm(expected)


def test_a_strip_is_part_of_the_volume(exchange, tmp_path):
    recipe = recipe_of(exchange, care=[{"name": "rings", "params": {"width": 5}}])
    ran(recipe, exchange, tmp_path / "volume.zarr")
    volume = read(tmp_path / "volume.zarr")
    for index, picture in strip(recipe, exchange, [0, 4, 9]):
        np.testing.assert_allclose(picture, volume[index], atol=1e-7)


def test_a_center_that_is_linear_in_height(exchange, tmp_path):
    recipe = recipe_of(exchange, rule={"kind": "linear", "values": (14.0, 18.5)})
    ran(recipe, exchange, tmp_path / "volume.zarr")
    volume = read(tmp_path / "volume.zarr")
    for index in (0, 4, 9):
        options = {"center": 14.0 + 4.5 * index / 9, "slice": index}
        expected = mp.reconstruct(mp.io.read_measurement(exchange, **options), mp.methods.FBP()).x[0, 0].numpy()
        np.testing.assert_allclose(volume[index], expected, atol=1e-6)


def test_a_full_turn_that_is_stitched_first(tmp_path):
    angles = np.linspace(0.0, 360.0, 60, endpoint=False)
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg=tuple(angles), detector_count=22, center=18.0)
    x = torch.from_numpy(pictures(3))[:, None]
    np.save(tmp_path / "turn.npy", A(x)[:, 0].numpy())
    options = {"angles_deg": "0:360:60", "center": 18.0, "image_shape": (32, 32)}
    recipe = recipe_of(tmp_path / "turn.npy", care=[{"name": "stitch", "params": {}}], block=2, **options)
    ran(recipe, tmp_path / "turn.npy", tmp_path / "volume.h5")
    volume = read(tmp_path / "volume.h5")
    assert np.sqrt(np.mean((volume - x[:, 0].numpy()) ** 2)) < 0.25 * np.sqrt(np.mean(x.numpy() ** 2))

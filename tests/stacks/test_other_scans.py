"""A recipe and a stack that do not belong together in all: another scan, another slice, files beside the data."""

import dataclasses

import h5py
import numpy as np
import pytest
import torch
import zarr

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, Started
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe

from .conftest import ANGLES, alone, pictures, recipe_of
from .test_run_stack import ran, read


@pytest.fixture
def sinograms():
    """Line integrals ``[slices, angles, bins]`` of six slices."""
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg=tuple(ANGLES), detector_count=32)
    return A(torch.from_numpy(pictures(6))[:, None])[:, 0].numpy()


def test_angles_are_those_of_the_stack(exchange, tmp_path):
    recipe, other = recipe_of(exchange), tmp_path / "other.h5"
    other.write_bytes(exchange.read_bytes())
    with h5py.File(other, "r+") as file:
        file["exchange/theta"][:] = ANGLES + 20.0
    started, *_ = ran(recipe, other, tmp_path / "volume.h5")
    assert isinstance(started, Started) and "differ by up to 20 degrees: those of other.h5" in " ".join(started.notes)
    expected = alone(other, recipe, 4)
    np.testing.assert_allclose(read(tmp_path / "volume.h5")[4], expected, atol=1e-5 * np.abs(expected).max())


def test_lengths_of_another_scan_are_refused(sinograms, tmp_path):
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg=tuple(ANGLES), detector_count=32)
    y = torch.from_numpy(sinograms)[:, None]
    for name, pitch in (("one", 1.0), ("half", 0.5)):
        problem = mp.Problem(dataclasses.replace(A, detector_pitch=pitch, pixel_size=pitch), y)
        io.write_measurement(tmp_path / f"{name}.h5", problem)
    one = io.read_measurement(tmp_path / "one.h5")
    recipe = StackRecipe(recipe=Recipe.of(one, mp.methods.FBP(), device="cpu"))
    ran(recipe, tmp_path / "one.h5", tmp_path / "volume.zarr")
    with pytest.raises(InputError, match=r"detector_pitch is 0\.5 there, 1\.0 in the recipe"):
        list(run_stack(recipe, tmp_path / "half.h5", tmp_path / "other.zarr"))


def test_the_tuned_slice_says_whether_these_are_transmissions(sinograms, tmp_path):
    sinograms *= 3
    sinograms[3] += 0.7  # nothing is beside the object there
    np.save(tmp_path / "scan.npy", np.exp(-sinograms))
    recipe = recipe_of(tmp_path / "scan.npy", angles_deg="0:180:30", log=True, slice=1)
    ran(recipe, tmp_path / "scan.npy", tmp_path / "volume.h5")
    expected = alone(tmp_path / "scan.npy", recipe, 1)
    np.testing.assert_allclose(read(tmp_path / "volume.h5")[1], expected, atol=1e-5 * np.abs(expected).max())


def test_a_damaged_middle_slice_stops_only_its_block(sinograms, tmp_path):
    recipe_file = tmp_path / "scan.npy"
    sinograms[3, 2, 2] = np.nan
    np.save(recipe_file, sinograms)
    recipe = recipe_of(recipe_file, angles_deg="0:180:30", slice=1, block=1)
    *_, end = run_stack(recipe, recipe_file, tmp_path / "volume.zarr")
    assert end.done == 5 and "1 failed: Slice 3 of scan.npy" in end.message


def test_a_field_that_changes_in_between_is_noticed(sinograms, tmp_path):
    np.save(tmp_path / "scan.npy", 100 * np.exp(-sinograms))
    np.save(tmp_path / "flat.npy", np.full(32, 100.0, np.float32))
    recipe = recipe_of(tmp_path / "scan.npy", angles_deg="0:180:30", flat=str(tmp_path / "flat.npy"), block=1)
    for event in run_stack(recipe, tmp_path / "scan.npy", tmp_path / "volume.h5"):
        if isinstance(event, BlockDone) and event.block.index == 0:
            np.save(tmp_path / "flat.npy", np.full(32, 200.0, np.float32))
    assert "flat.npy has changed since this run began" in event.stopped
    with pytest.raises(InputError, match="the data are others, or have changed since"):
        list(run_stack(recipe, tmp_path / "scan.npy", tmp_path / "volume.h5"))


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_of_one_time_and_channel(version, sinograms, tmp_path):
    group = zarr.open_group(str(tmp_path / "scan.zarr"), mode="w", zarr_format=version)
    array = group.create_array("0", shape=(1, 1, *sinograms.shape), dtype="float32", chunks=(1, 1, 1, 30, 32))
    array[:] = sinograms[None, None]
    np.save(tmp_path / "scan.npy", sinograms)
    recipe = recipe_of(tmp_path / "scan.npy", angles_deg="0:180:30", block=4)
    ran(recipe, tmp_path / "scan.zarr", tmp_path / "volume.h5")
    ran(recipe, tmp_path / "scan.npy", tmp_path / "other.h5")
    np.testing.assert_array_equal(read(tmp_path / "volume.h5"), read(tmp_path / "other.h5"))


def test_chunks_that_are_not_there_are_told(sinograms, tmp_path):
    array = zarr.create_array(str(tmp_path / "scan.zarr"), shape=sinograms.shape, dtype="float32", chunks=(1, 30, 32))
    array[:5] = sinograms[:5] + 1e-6
    np.save(tmp_path / "scan.npy", sinograms)
    recipe = recipe_of(tmp_path / "scan.npy", angles_deg="0:180:30")
    started, *_ = ran(recipe, tmp_path / "scan.zarr", tmp_path / "volume.h5")
    assert "1 of 6 chunks are not there: read as 0.0" in started.notes


@pytest.mark.parametrize("name", ["half.zarr", "half.h5", "half.tif"])
def test_a_volume_that_is_not_finished_is_no_input(name, exchange, tmp_path):
    recipe, control = recipe_of(exchange, block=2), StackControl()
    for event in run_stack(recipe, exchange, tmp_path / name, control=control):
        if isinstance(event, BlockDone):
            control.stop()
    with pytest.raises(InputError, match="of which not all slices are made yet"):
        list(run_stack(recipe, tmp_path / name, tmp_path / "volume.zarr"))

"""Stacks of every kind: a block is what its slices are one by one, and what is wrong is told by its slice."""

import os

import h5py
import numpy as np
import pytest
import tifffile
import torch
import zarr

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.stacks.events import BlockFailed
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.source import ChangedError, open_stack
from napari_mlpatch.stacks.stack_recipe import Center, StackRecipe

from .conftest import ANGLES, pictures, recipe_of
from .test_run_stack import ran, read

FBP, TIKHONOV = mp.methods.FBP(), mp.methods.Tikhonov(weight=0.1, iterations=10)


def sinograms():
    """Line integrals ``[slices, angles, bins]``."""
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg=tuple(ANGLES), detector_count=32)
    return A(torch.from_numpy(pictures(5))[:, None])[:, 0].numpy()


def written(name, y, folder):
    """The stack in a file of this kind, and the options that it is read with."""
    path, options = folder / name, {"angles_deg": "0:180:30"}
    if name == "pages.npy":
        np.save(path, y.swapaxes(0, 1))
        options |= {"angle_axis": "pages"}
    elif name == "rows.npy":
        np.save(path, y)
    elif name.endswith(".tif"):
        more = {"compression": "zlib"} if name == "packed.tif" else {}
        tifffile.imwrite(path, y, photometric="minisblack", **more)
    elif name == "stack.zarr":
        group = zarr.create_group(str(path))
        group.create_array("0", data=y, chunks=(1, 8, 32))
        group.attrs["ome"] = {"version": "0.5", "multiscales": [{"datasets": [{"path": "0"}]}]}
    return path, options


@pytest.mark.parametrize("name", ["pages.npy", "rows.npy", "plain.tif", "packed.tif", "stack.zarr"])
def test_sinograms_of_any_file(name, tmp_path):
    y = sinograms()
    path, options = written(name, y, tmp_path)
    np.save(tmp_path / "tuned.npy", y)
    recipe = recipe_of(tmp_path / "tuned.npy", angles_deg="0:180:30").recipe
    data = recipe.data.model_copy(update={"source": {"kind": "file", "path": str(path), "options": options}})
    recipe = recipe.model_copy(update={"data": data})
    source = open_stack(path, recipe)
    assert (source.count, source.shape, source.kind) == (5, (30, 32), "sinogram")
    np.testing.assert_array_equal(source.read(1, 4), y[1:4])
    ran(StackRecipe(recipe=recipe, block=2), path, tmp_path / "volume.h5")
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg=tuple(ANGLES), detector_count=32)
    blocks = torch.from_numpy(y)[:, None].split(2)  # more at once are summed in another order
    expected = torch.cat([A.fbp(block) for block in blocks])[:, 0].numpy()
    np.testing.assert_allclose(read(tmp_path / "volume.h5"), expected, atol=1e-6 * np.abs(expected).max())


def test_items_of_a_file_of_this_program(tmp_path):
    A = mp.operators.Blur(image_shape=(20, 24), width=1.2)
    problem = mp.simulate(torch.rand(5, 1, 20, 24), A, noise=mp.noise.Gaussian(relative=0.02), seed=0)
    mp.io.write_measurement(tmp_path / "m.h5", problem)
    problem = mp.io.read_measurement(tmp_path / "m.h5")
    ran(StackRecipe(recipe=Recipe.of(problem, TIKHONOV), block=2), tmp_path / "m.h5", tmp_path / "volume.zarr")
    expected = mp.reconstruct(problem, TIKHONOV).x[:, 0].numpy()
    np.testing.assert_allclose(read(tmp_path / "volume.zarr"), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["plain.tif", "stack.zarr"])
def test_pages_of_pictures(name, tmp_path):
    A = mp.operators.Blur(image_shape=(30, 32), width=1.2)
    y = sinograms()
    path, _ = written(name, y, tmp_path)
    tuned = mp.Problem(A, torch.from_numpy(y[2]))
    ran(StackRecipe(recipe=Recipe.of(tuned, TIKHONOV), block=2), path, tmp_path / "volume")
    expected = mp.reconstruct(mp.Problem(A, torch.from_numpy(y)[:, None]), TIKHONOV).x[:, 0].numpy()
    np.testing.assert_allclose(read(tmp_path / "volume"), expected, atol=1e-5)


def test_slices_of_k_space_have_coils_of_their_own(tmp_path):
    random = np.random.default_rng(0)
    x = random.random((4, 2, 24, 24)) * np.linspace(0.5, 1.5, 2)[:, None, None]
    kspace = np.fft.fftshift(np.fft.fft2(x), axes=(-2, -1)).astype(np.complex64)
    with h5py.File(tmp_path / "k.h5", "w") as file:
        file["kspace"] = kspace
    problem = mp.io.read_measurement(tmp_path / "k.h5", slice=1)
    recipe = StackRecipe(recipe=Recipe.of(problem, TIKHONOV), block=3)
    ran(recipe, tmp_path / "k.h5", tmp_path / "volume.h5")
    for index, picture in enumerate(read(tmp_path / "volume.h5")):
        alone = mp.io.read_measurement(tmp_path / "k.h5", slice=index)
        expected = alone.A.picture(mp.reconstruct(alone, TIKHONOV).x)[0, 0].numpy()
        np.testing.assert_allclose(picture, expected, atol=1e-5 * expected.max())


def test_a_slice_that_is_not_finite_is_told_by_its_number(tmp_path):
    y = sinograms()
    np.save(tmp_path / "tuned.npy", y)
    recipe = recipe_of(tmp_path / "tuned.npy", angles_deg="0:180:30", block=1)
    y[1, 3, 4] = np.nan
    np.save(tmp_path / "stack.npy", y)
    *events, end = run_stack(recipe, tmp_path / "stack.npy", tmp_path / "volume.zarr")
    (failed,) = [event for event in events if isinstance(event, BlockFailed)]
    assert "Slice 1 of stack.npy" in failed.message and "[3, 4]" in failed.message and end.done == 4


def test_pages_that_are_missing_or_damaged(tmp_path, counts):
    path = tmp_path / "scan"
    path.mkdir()
    for k, sinogram in enumerate(sinograms()):
        tifffile.imwrite(path / f"sino_{k:02}.tif", sinogram, photometric="minisblack", compression="zlib")
    recipe = recipe_of(path, angles_deg="0:180:30", block=1)
    damaged = path / "sino_01.tif"
    damaged.write_bytes(damaged.read_bytes()[:200])
    (path / "sino_03.tif").unlink()
    told = "1 number is missing in the names, sino_00.tif to sino_04.tif: 3"
    with pytest.raises(InputError, match=f"{told}.*incomplete"):
        list(run_stack(recipe, path, tmp_path / "volume.zarr"))
    *events, end = run_stack(recipe, path, tmp_path / "volume.zarr", incomplete=True)
    assert told in end.notes
    failed = [event for event in events if isinstance(event, BlockFailed)]
    assert end.slices == 5 and end.done == 4 and len(failed) == 1 and "sino_01.tif" in failed[0].message


@pytest.mark.parametrize("kind", ["sinograms", "pictures"])
def test_what_comes_after_a_gap_stays_at_its_place(kind, tmp_path):
    """NaN where files are missing, also a whole block of them; the same numbers and heights as with all files."""
    y, whole, part = np.concatenate([sinograms(), sinograms()]), tmp_path / "whole", tmp_path / "part"
    prefix = "sino" if kind == "sinograms" else "p"
    lost, there = [2, 4, 5], [0, 1, 3, 6, 7, 8, 9]
    for folder in (whole, part):
        folder.mkdir()
        for k in range(len(y)) if folder is whole else there:
            tifffile.imwrite(folder / f"{prefix}_{10 + 5 * k}.tif", y[k], photometric="minisblack")
    if kind == "sinograms":
        center = {"kind": "linear", "values": (14.0, 17.0)}
        recipe = recipe_of(whole, angles_deg="0:180:30", block=2).model_copy(update={"center": Center(**center)})
    else:
        tuned = mp.Problem(mp.operators.Blur(image_shape=y.shape[1:], width=1.2), torch.from_numpy(y[3]))
        recipe = StackRecipe(recipe=Recipe.of(tuned, TIKHONOV), block=2)
    list(run_stack(recipe, whole, tmp_path / "whole.h5"))
    *_, end = run_stack(recipe, part, tmp_path / "part.h5", incomplete=True)
    assert end.complete and not end.failed and any("slices 2, 4 to 5 have no files: NaN" in n for n in end.notes)
    want, found = read(tmp_path / "whole.h5"), read(tmp_path / "part.h5")
    assert np.isnan(found[lost]).all()
    np.testing.assert_allclose(found[there], want[there], atol=1e-6)
    *_, again = run_stack(recipe, part, tmp_path / "part.h5", incomplete=True)
    assert again.complete, "there is nothing to repeat"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"care": [{"name": "rings", "params": {}}]}, "Steps of sinogram care are for sinograms"),
        ({"center": {"values": (3.0,)}}, "A centre of rotation is for sinograms only"),
    ],
)
def test_what_only_sinograms_have(changes, told, tmp_path):
    y = sinograms()
    path, _ = written("plain.tif", y, tmp_path)
    tuned = mp.Problem(mp.operators.Blur(image_shape=(30, 32), width=1.2), torch.from_numpy(y[2]))
    with pytest.raises(InputError, match=told):
        list(run_stack(StackRecipe(recipe=Recipe.of(tuned, TIKHONOV), **changes), path, tmp_path / "volume.zarr"))


def test_a_recipe_that_starts_from_a_picture_is_for_one_slice(exchange):
    problem = mp.io.read_measurement(exchange)
    first = mp.reconstruct(problem, FBP)
    result = mp.reconstruct(problem, mp.methods.TV(weight=0.01, iterations=2), start=first)
    with pytest.raises(InputError, match="starts from a picture of its own slice"):
        StackRecipe(recipe=result.recipe)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((1, 2, 4, 5, 6), "1 number is missing in the names, p_0001.tif to p_0006.tif: 3"),
        ((0, 10, 20, 50, 60, 80), "3 numbers are missing in the names, p_0000.tif to p_0080.tif: 30 to 40, 70"),
        ((3, 4, 5, 6), ""),
        ((1, 4, 9, 16, 25), ""),  # no regular numbers: a note of the reader, but nothing that keeps a run back
    ],
)
def test_numbers_that_are_missing(numbers, told, tmp_path):
    for k in numbers:
        tifffile.imwrite(tmp_path / f"p_{k:04}.tif", np.ones((4, 8), np.float32), photometric="minisblack")
    assert mp.io.load(tmp_path).gap == told


def test_files_behind_links_are_watched(exchange, tmp_path):
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for name in ("data", "data_white", "data_dark", "theta"):
            file[f"exchange/{name}"] = h5py.ExternalLink(exchange.name, f"exchange/{name}")
    recipe = recipe_of(tmp_path / "master.h5")
    source = open_stack(tmp_path / "master.h5", recipe.recipe)
    before = source.fingerprint
    os.utime(exchange, ns=(5, 5))
    with pytest.raises(ChangedError, match=r"scan\.h5 has changed since this run began"):
        source.check_same()
    assert open_stack(tmp_path / "master.h5", recipe.recipe).fingerprint != before

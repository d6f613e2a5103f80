"""What is odd in a stack is told: types of numbers, names of pictures, stacks of one or two slices."""

import numpy as np
import pytest
import tifffile
import torch
import zarr

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.stacks.source import open_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe

from .conftest import ANGLES, BINS, recipe_of
from .test_run_stack import ran, read


@pytest.fixture
def lines(tmp_path):
    """A stack of line integrals, and the recipe of one slice of it."""
    path = tmp_path / "lines.npy"
    np.save(path, np.random.default_rng(0).random((6, len(ANGLES), BINS)).astype(np.float32))
    return path, recipe_of(path, angles_deg=tuple(ANGLES), log=False).recipe


@pytest.mark.parametrize("kind", ["u2", "i4", "f4"])
def test_whole_numbers_of_zarr_are_told(kind, lines, tmp_path):
    path, recipe = lines
    zarr.create_array(store=str(tmp_path / "z.zarr"), data=(1000 * np.load(path)).astype(kind))
    told = [n for n in open_stack(tmp_path / "z.zarr", recipe).notes if "whole numbers without a flat field" in n]
    assert bool(told) == (kind != "f4")


def test_pictures_that_are_named_like_fields_are_told(tmp_path):
    pictures = np.random.default_rng(0).random((5, 20, 24)).astype(np.float32)
    for k, picture in enumerate(pictures):
        tifffile.imwrite(tmp_path / f"i{k}.tif", picture)
    A = mp.operators.Blur(image_shape=(20, 24), width=1.2)
    problem = mp.Problem(A, torch.from_numpy(pictures[:1, None]))
    recipe = Recipe.of(problem, mp.methods.Tikhonov(weight=0.1, iterations=3))
    stack = open_stack(tmp_path, recipe)
    assert stack.count == 4 and stack.notes == (
        "no slices are i0.tif: named like flat or dark fields. Rename them if they are",
    )
    (tmp_path / "i0.tif").rename(tmp_path / "i5.tif")
    assert open_stack(tmp_path, recipe).notes == ()


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("block", [1, 2])
def test_one_and_two_slices_with_steps_that_look_around(count, block, lines, tmp_path):
    path, recipe = lines
    few = tmp_path / "few.npy"
    np.save(few, np.load(path)[:count])
    made = StackRecipe(recipe=recipe, block=block, care=({"name": "outliers"},))
    ran(made, few, tmp_path / "few.h5")
    whole = made.model_copy(update={"block": None})
    ran(whole, few, tmp_path / "whole.h5")
    np.testing.assert_array_equal(read(tmp_path / "few.h5"), read(tmp_path / "whole.h5"))


def test_a_flat_field_of_another_type_is_told(folder, counts):
    assert "larger than the flat field" not in str(io.read_measurement(folder).notes)
    for k in range(2):
        tifffile.imwrite(folder / f"flat_{k:03}.tif", (counts[1][k] >> 8).astype(np.uint8), photometric="minisblack")
        tifffile.imwrite(folder / f"dark_{k:03}.tif", np.zeros_like(counts[2][k], np.uint8), photometric="minisblack")
    (told,) = [note for note in io.read_measurement(folder).notes if "larger than the flat field" in note]
    assert told.startswith("100 % of the counts") and "times or more" in told

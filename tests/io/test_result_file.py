"""A result as a file."""

import json

import numpy as np
import pytest
import tifffile
import torch

import napari_mlpatch as mp


@pytest.mark.parametrize("name", ["x.tif", "x.npy", "x.h5", "x.ome.tif", "x.fits"])
@pytest.mark.parametrize("lead", [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_slices_and_channels_are_all_there(tmp_path, name, lead):
    x = torch.rand(*lead, 6, 5, generator=torch.Generator().manual_seed(0))
    problem = mp.simulate(x, mp.operators.Identity(image_shape=(6, 5)), mp.noise.Gaussian(std=0.1), seed=0)
    result = mp.reconstruct(problem, mp.methods.Tikhonov())
    mp.io.write_result(tmp_path / name, result)
    image, recipe = mp.io.read_image(tmp_path / name)
    assert np.array_equal(image, np.squeeze(result.x.numpy())) and recipe["method"]["name"] == "tikhonov"


def test_the_pixel_size_is_the_operator_s_or_the_given_one(tmp_path):
    A = mp.operators.ParallelBeam(image_shape=(6, 6), angles_deg="0:180:4", detector_count=9, pixel_size=0.25)
    result = mp.reconstruct(mp.simulate(torch.ones(6, 6), A), mp.methods.FBP())
    for given, expected in (({}, (0.25, None)), ({"pixel_size": 2.0, "unit": "mm"}, (2.0, "mm"))):
        mp.io.write_result(tmp_path / "x.tif", result, **given)
        with tifffile.TiffFile(tmp_path / "x.tif") as file:
            about = json.loads(file.pages[0].description)
        assert (about["pixel_size"], about["unit"]) == expected

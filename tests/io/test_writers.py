"""Pictures in every format: what other programs read of them, and that a recipe comes out of each as it went in."""

import json

import h5py
import numpy as np
import pytest
import tifffile
from astropy.io import fits
from astropy.wcs import WCS

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.cli import main
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.atomic import IMAGE_SUFFIXES
from napari_mlpatch.io.own import is_own
from napari_mlpatch.io.writers import FORMATS

SUFFIXES = [suffix for kind in FORMATS for suffix in kind.suffixes]
RECIPE = {"method": {"name": "tv"}, "mask": list(range(40_000)), "name": "naïve µ"}
"""Longer than a seal is looked for, and not all in ASCII."""


def picture(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (2, 3, 5, 7)])
@pytest.mark.parametrize("is_complex", [False, True])
def test_values_recipe_and_pixel_size_come_back(tmp_path, suffix, shape, is_complex):
    path = tmp_path / f"x{suffix}"
    array = picture(*shape) + (1j * picture(*shape, seed=1) if is_complex else 0)
    array = array.astype(np.complex64 if is_complex else np.float32)
    io.write_image(path, array, RECIPE, pixel_size=0.25, unit="millimeter")
    found, recipe = io.read_image(path)
    assert recipe == RECIPE == io.read_recipe(path) and io.read_pixel_size(path) == (0.25, "millimeter")
    if is_complex:  # as magnitude and phase in some
        np.testing.assert_allclose(found, array, rtol=1e-6, atol=1e-6)
    else:
        assert np.array_equal(found, array)
    assert is_own(path) and found.dtype == array.dtype
    io.write_image(path, array)  # may be replaced, for it is our own
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not is_own(path), "one bit of it was changed"


def test_all_suffixes_can_be_written():
    assert {"." + suffix.rsplit(".", 1)[-1] for suffix in SUFFIXES} == set(IMAGE_SUFFIXES)
    with pytest.raises(InputError, match="does not end in"):
        io.write_image("x.jpg", picture(4, 4))


def test_ome_says_what_a_pixel_is(tmp_path):
    io.write_image(tmp_path / "x.ome.tif", picture(3, 5, 7), RECIPE, pixel_size=0.5, unit="um")
    with tifffile.TiffFile(tmp_path / "x.ome.tif") as file:
        assert file.is_ome and file.series[0].axes == "ZYX" and file.series[0].shape == (3, 5, 7)
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
        assert json.loads(pixels["Description"]) == RECIPE
        pixels = pixels["Pixels"]
        assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == (0.5, 0.5)
        assert pixels["PhysicalSizeXUnit"] == pixels["PhysicalSizeYUnit"] == "µm"
        resolution, unit = (file.pages[0].tags.valueof(name) for name in ("XResolution", "ResolutionUnit"))
        assert resolution[0] / resolution[1] == pytest.approx(2e4) and unit == 3


def test_fits_says_what_a_pixel_is(tmp_path):
    io.write_image(tmp_path / "x.fits", picture(5, 7), RECIPE, pixel_size=30.0, unit="arcsec")
    with fits.open(tmp_path / "x.fits") as file:
        file.verify("exception")
        assert np.array_equal(file[0].data, picture(5, 7)) and file[0].header["METHOD"] == "tv"
        world = WCS(file[0].header)
        assert list(world.wcs.cdelt) == [30.0, 30.0] and str(world.wcs.cunit[0]) == "arcsec"


def test_hdf5_says_what_a_pixel_is(tmp_path):
    io.write_image(tmp_path / "x.h5", picture(5, 7), RECIPE, pixel_size=0.5, unit="mm")
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file["image"].attrs["element_size"]) == [0.5, 0.5] and file["image"].attrs["unit"] == b"mm"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_replay_works_from_each(workdir, suffix, capsys):
    A = mp.operators.Inpainting(image_shape=(8, 9))
    io.write_measurement("m.h5", mp.Problem(A, picture(8, 9)))
    name = f"x{suffix}"
    assert main(["reconstruct", "m.h5", "--method", "tv", "--set", "iterations=3", "--out", name]) == 0
    capsys.readouterr()
    assert main(["replay", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_difference"] == 0


@pytest.mark.parametrize("suffix", [".ome.tif", ".fits"])
def test_notes_of_others_are_not_believed(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    if suffix == ".fits":
        column = fits.Column(name="JSON", format="6B", array=np.frombuffer(b"[1,2,3", np.uint8)[None])
        table = fits.BinTableHDU.from_columns([column], name="MLPATCH")
        fits.HDUList([fits.PrimaryHDU(picture(5, 7)), table]).writeto(path)
    else:
        tifffile.imwrite(path, picture(5, 7), ome=True, extratags=[(65000, "s", 0, '{"mlpatch_recipe": 3}', True)])
    found, recipe = io.read_image(path)
    assert recipe is None and np.array_equal(found, picture(5, 7)) and not is_own(path)

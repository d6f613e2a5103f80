"""Data that have flat or dark fields are counts, whatever these are called: never taken for line integrals unasked."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import SLICES, angles, sinogram, y_of

BEAM = 1000 * (1 + 0.3 * np.sin(np.arange(32) / 9)) * (1 + 0.2 * np.arange(SLICES)[:, None])
COUNTS = (10 + BEAM[:, None] * np.exp(-sinogram())).swapaxes(0, 1)  # [angles, slices, bins], no two ends alike


def written(path, **more):
    with h5py.File(path, "w") as file:
        for name, values in {"data": COUNTS, "theta": angles(), **more}.items():
            file[f"exchange/{name}"] = values
    return path


@pytest.mark.parametrize("white", ["white_field", "WhiteField", "bright_field", "brightfields_pre", "open_beams"])
def test_other_names(tmp_path, white):
    path = written(tmp_path / "a.h5", **{white: BEAM + 10, "dark_images": np.full((SLICES, 32), 10.0)})
    np.testing.assert_allclose(y_of(io.read_measurement(path, slice=1))[0, 0], sinogram()[1], atol=1e-5)


@pytest.mark.parametrize(
    "more",
    [
        {"data_dark": np.full((2, SLICES, 32), 10.0)},
        {"data_dark": np.full((SLICES, 32), 10.0), "reference": BEAM},
        {"my_flat_image": BEAM},
        {"data_white": np.zeros((0, SLICES, 32)), "data_dark": np.full((SLICES, 32), 10.0)},
    ],
)
def test_a_dark_field_or_what_looks_like_a_flat_one_makes_counts(tmp_path, more):
    path = written(tmp_path / "a.h5", **more)
    assert "flat" in io.load(path).missing
    with pytest.raises(InputError, match="needs the flat field"):
        io.read_measurement(path)
    assert np.isfinite(y_of(io.read_measurement(path, log=False))).all()


def test_the_dark_field_of_the_file_is_used_with_a_flat_that_is_given(tmp_path):
    path = written(tmp_path / "a.h5", data_dark=np.full((2, SLICES, 32), 10.0))
    found = y_of(io.read_measurement(path, slice=1, flat=(BEAM + 10)[1]))
    np.testing.assert_allclose(found[0, 0], sinogram()[1], atol=1e-5)


def test_pictures_of_the_detector_under_any_name_are_told(tmp_path):
    path = written(tmp_path / "a.h5", gain=BEAM, offset=np.full((4, SLICES, 32), 10.0), other=np.ones((5, 7)))
    told = [note for note in io.load(path).notes if "has the size of pictures of the detector" in note]
    assert [note.split("'")[1] for note in told] == ["exchange/gain", "exchange/offset"]

"""Slices of NIfTI volumes as training images, and images put on squares of one size."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers.medical import nifti_picture
from napari_mlpatch.training import Files
from napari_mlpatch.training.data import open_data
from napari_mlpatch.training.sources.volumes import fitted, slices_of


def saved(path, values, affine=None):
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


@pytest.fixture
def volume():
    """``[right, front, up]``: 6 x 10 x 5, of which the outer planes are nearly empty."""
    values = np.random.default_rng(0).integers(1, 200, (6, 10, 5)).astype(np.uint8)
    values[:, :, 0] = 0
    values[:, 1:, 4] = 0
    values[0, 0, 0] = 0
    values[2, 3, 2] = 250
    return values


def test_planes_are_those_of_the_picture(tmp_path, volume):
    path = saved(tmp_path / "head.nii.gz", volume)
    found = slices_of(path, scaled=False)
    assert found.shape == (3, 10, 6)  # rows from front to back, columns along the first axis
    assert np.array_equal(found[1], nifti_picture(path)[0])
    assert np.array_equal(found[1], volume[:, ::-1, 2].T)
    scaled = slices_of(path, scaled=True)
    assert scaled.max() == 1.0 and scaled == pytest.approx(found / 250)


def test_other_orientations_are_turned(tmp_path, volume):
    turned = saved(
        tmp_path / "b.nii",
        volume[::-1].transpose(2, 0, 1),
        np.array([[0, -1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]]),
    )
    assert np.array_equal(slices_of(turned, False), slices_of(saved(tmp_path / "a.nii", volume), False))


def test_volumes_in_a_folder(tmp_path, volume):
    saved(tmp_path / "a.nii", volume)
    np.savez(tmp_path / "b.npz", x=np.random.default_rng(0).random((4, 12, 12)).astype(np.float32))
    images, held_out = open_data(Files(paths=(".",), fit=12, hold_out=2), tmp_path)
    assert len(images) == 5 and held_out is not None and len(held_out) == 2
    assert images.image(0).shape == (1, 1, 12, 12) and 0.5 < images.image(1).max() <= 1.0
    low, _ = open_data(Files(paths=("a.nii",), low=0, high=500, hold_out=0), tmp_path)
    assert low.image(1).max().item() == pytest.approx(0.5)  # as the recipe says


@pytest.mark.parametrize(("shape", "side"), [((7, 5), 21), ((6, 9), 12), ((8, 16), 16), ((40, 24), 20)])
def test_images_are_put_on_squares(shape, side):
    x = torch.linspace(0, 1, shape[0])[:, None] + torch.linspace(0, 2, shape[1])
    image = ndimage.gaussian_filter(x.numpy(), 1.0)[None]
    square = fitted(image, side)[0]
    assert square.shape == (side, side)
    rows, columns = (round(n * side / max(shape)) for n in shape)
    top, left = (side - rows) // 2, (side - columns) // 2
    inside = square[top : top + rows, left : left + columns]
    assert not square[:top].any() and not square[:, :left].any() and not square[:, left + columns :].any()
    at = [(np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip((rows, columns), shape, strict=True)]
    expected = ndimage.map_coordinates(image[0], np.meshgrid(*at, indexing="ij"), order=1, mode="nearest")
    assert inside == pytest.approx(expected, abs=0.02)
    if side >= max(shape):
        assert inside == pytest.approx(expected, abs=1e-5)


def test_empty_and_foreign_volumes(tmp_path):
    with pytest.raises(InputError, match="nearly empty"):
        slices_of(saved(tmp_path / "zero.nii", np.zeros((4, 4, 4), np.float32)), True)
    (tmp_path / "text.nii").write_text("no volume at all")
    with pytest.raises(InputError):
        open_data(Files(paths=("text.nii",), hold_out=0), tmp_path)
    bad = np.ones((4, 4, 4), np.float32)
    bad[1, 1, 1] = np.nan
    bad[0] = 0
    with pytest.raises(InputError, match="NaN"):
        open_data(Files(paths=("bad.nii",), hold_out=0), Path(saved(tmp_path / "bad.nii", bad)).parent)

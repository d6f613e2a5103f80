"""K-space from NPY and fastMRI-style HDF5 files: what is found, which slice, masks, and what cannot be read."""

import h5py
import numpy as np
import pytest
import torch

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.phantom import shepp_logan
from napari_mlpatch.operators.coil_maps import simulated_coils

SHAPE = (48, 40)


def kspace(coils=4, slices=None, seed=0):
    """Of phantoms: columns kept in the middle and one in two outside."""
    image = shepp_logan(48)[:, 4:-4] * np.arange(1, 1 + (slices or 1))[:, None, None, None]
    maps = np.ones((1, *SHAPE)) if coils == 1 else simulated_coils(coils, SHAPE)
    axes = (-2, -1)
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image * maps, axes=axes), norm="ortho"), axes=axes)
    return (k * mask()).astype(np.complex64) if slices else (k[0] * mask()).astype(np.complex64)


def mask():
    columns = np.arange(40) % 2 == 0
    columns[12:28] = True
    return columns


def fastmri(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)
    return path


def error(problem, scale=1.0):
    truth = scale * torch.from_numpy(shepp_logan(48)[:, 4:-4].copy())
    x = problem.A.pinv(problem.y)[0, 0].abs()
    return float((x - truth).norm() / truth.norm())


@pytest.mark.parametrize("coils", [1, 4])
def test_npy(tmp_path, coils):
    k = kspace(coils)
    np.save(tmp_path / "k.npy", k[0] if coils == 1 else k)
    measurement = io.load(tmp_path / "k.npy")
    assert measurement.kind == "mri-cartesian" and measurement.missing == ()
    assert measurement.data.shape == (1, *SHAPE) and measurement.data[0].dtype == np.float32
    assert f"{coils} coil(s), 48 rows x 40 columns, 70 % measured" in measurement.notes[-1 if coils == 1 else -2]
    problem = measurement.problem()
    assert problem.y.shape == (1, 1, coils, *SHAPE)
    assert np.array_equal(problem.y[0, 0].numpy(), k)
    assert (problem.A.sensitivities is None) == (coils == 1)
    assert error(problem) < 0.3
    again = io.open_source(problem.source)
    assert again.A == problem.A and torch.equal(again.y, problem.y)


def test_slices_of_hdf5(tmp_path):
    path = fastmri(tmp_path / "k.h5", kspace=kspace(4, slices=3))
    measurement = io.load(path)
    assert len(measurement.data) == 3 and any(
        "3 slices, of which 1 (the middle one)" in note for note in measurement.notes
    )
    assert error(measurement.problem(), 2.0) < 0.3
    last = io.read_measurement(path, slice=2)
    assert error(last, 3.0) < 0.3
    assert last.source["options"] == {"slice": 2}
    assert torch.equal(io.open_source(last.source).y, last.y)
    assert not np.array_equal(measurement.data[0], np.zeros(SHAPE))


def test_single_coil_hdf5_with_its_mask(tmp_path):
    full = kspace(1, slices=2)[:, 0] + 1e-3
    problem = io.read_measurement(fastmri(tmp_path / "k.h5", kspace=full, mask=mask().astype(np.float32)))
    assert problem.A.range_shape == (1, *SHAPE) and problem.A.closed_form
    assert np.array_equal(problem.A.sampled.numpy(), np.broadcast_to(mask(), SHAPE))
    assert not problem.y[..., ~problem.A.sampled].any()


def test_zero_frequency_in_the_corner_is_told(tmp_path):
    k = kspace(1)[0]
    np.save(tmp_path / "k.npy", np.fft.ifftshift(k))
    assert any("--in-corner frequency" in note for note in io.load(tmp_path / "k.npy").notes)
    np.save(tmp_path / "k.npy", k)
    assert not any("fftshift" in note for note in io.load(tmp_path / "k.npy").notes)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 20, 20), complex), "zero everywhere"),
        (np.ones((2, 2, 2, 20, 20), complex), r"more than four axes. K-space is \[slices, coils, rows, columns\]"),
        (np.full((20, 20), np.nan + 0j), "400 NaN or infinite"),
        (np.ones((4, 20, 20), complex) * (np.arange(20) % 2), "at least 8 x 8 are needed"),
    ],
)
def test_unusable_npy(tmp_path, array, words):
    np.save(tmp_path / "k.npy", array)
    with pytest.raises(InputError, match=words):
        io.read_measurement(tmp_path / "k.npy")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"kspace": np.ones((3, 20, 20))}, "kspace holds 'f' numbers"),
        ({"kspace": np.ones(20, complex)}, r"shape \[20\]; complex \[slices, coils, rows, columns\]"),
        (
            {"kspace": kspace(1, slices=2)[:, 0], "mask": np.ones(7)},
            r"mask has shape \[7\], but k-space has \[48, 40\]",
        ),
        ({"kspace": kspace(1, slices=2)[:, 0], "mask": np.zeros(40)}, "zero everywhere"),
    ],
)
def test_unusable_hdf5(tmp_path, arrays, words):
    with pytest.raises(InputError, match=words):
        io.load(fastmri(tmp_path / "k.h5", **arrays))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slice": 3}, "from 0 to 2, got 3"),
        ({"slice": "all"}, "one at a time"),
        ({"slice": True}, "one at a time"),
        ({"angles_deg": "0:180:5"}, r"complex, and were read as k-space .* not angles_deg\. If this is a sinogram"),
    ],
)
def test_bad_options(tmp_path, options, words):
    path = fastmri(tmp_path / "k.h5", kspace=kspace(1, slices=3)[:, 0])
    with pytest.raises(InputError, match=words):
        io.read_measurement(path, **options)

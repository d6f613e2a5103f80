"""The picture in files of arrays: the only one, the one with a usual name, or a word on what there is."""

import h5py
import numpy as np
import pytest
import scipy.io
from skimage.color import rgb2gray

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

A = np.arange(12.0).reshape(3, 4)
B = A.T + 0.5


def npz(path, **arrays):
    np.savez(path, **arrays)


def mat(path, **arrays):
    scipy.io.savemat(path, arrays)


def mat_73(path, **arrays):
    """Version 7.3 has its axes reversed, and words before the HDF5."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = np.asarray(values).T
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[f"entry/{name}"] = values


def netcdf(path, **arrays):
    with scipy.io.netcdf_file(path, "w") as file:
        for name, values in arrays.items():
            sides = [f"{name}{axis}" for axis in range(np.ndim(values))]
            for side, n in zip(sides, np.shape(values), strict=True):
                file.createDimension(side, n)
            file.createVariable(name, "d", sides)[...] = values


WRITERS = {
    "npz": (npz, ".npz"),
    "MATLAB 5": (mat, ".mat"),
    "MATLAB 7.3": (mat_73, ".mat"),
    "HDF5": (hdf5, ".h5"),
    "NetCDF": (netcdf, ".nc"),
}


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    """Writes arrays by name, and gives the path."""
    write, suffix = WRITERS[request.param]

    def to_file(**arrays):
        write(tmp_path / f"file{suffix}", **arrays)
        return tmp_path / f"file{suffix}"

    return to_file


def test_the_only_array(written):
    path = written(shot=A)
    found, notes = io.image_from_file(path)
    assert found.dtype == np.float32 and np.array_equal(found, A) and not notes
    assert np.array_equal(io.read_image(path)[0], A)


def test_lists_and_numbers_are_no_pictures(written):
    found, notes = io.image_from_file(written(spectrum=np.arange(5.0), size=np.array(3.0), shot=A))
    assert np.array_equal(found, A) and len(notes) == 1 and "shot" in notes[0]


def test_none_of_several_is_guessed(written):
    """A truth, a kernel or a mask that was not meant would be a wrong number without a word."""
    path = written(image=A, mask=B)
    for read in (io.image_from_file, io.read_image, io.read_array):
        with pytest.raises(InputError, match="several pictures"):
            read(path)


@pytest.mark.parametrize("name", ["theta", "angles", "kspace"])
def test_a_measurement_is_no_picture(written, name):
    with pytest.raises(InputError, match=r"a measurement, not a picture: .*sinogram"):
        io.image_from_file(written(sinogram=A, **{name: np.arange(3.0)}))


def test_our_own_measurement_is_no_truth(tmp_path):
    import torch

    import napari_mlpatch as mp

    problem = mp.simulate(torch.rand(8, 8), mp.operators.Identity((8, 8)), None)
    io.write_measurement(tmp_path / "y.h5", problem)
    with pytest.raises(InputError, match="a measurement of this program, not a picture"):
        io.read_image(tmp_path / "y.h5")


def test_several_are_named(written):
    with pytest.raises(InputError, match="several pictures: ") as error:
        io.image_from_file(written(one=A, two=B))
    told = str(error.value)
    assert all(part in told for part in ("one [3, 4]", "two [4, 3]", "Save the one that is meant by itself"))


def test_without_a_picture_it_says_what_there_is(written):
    with pytest.raises(InputError, match=r"no picture .*row \[(1, )?5\]"):
        io.image_from_file(written(row=np.arange(5.0)))


def test_stacks_are_no_pictures(written):
    with pytest.raises(InputError, match=r"no picture .*stack \["):
        io.image_from_file(written(stack=np.zeros((5, 6, 7))))


@pytest.mark.parametrize("write", [mat, mat_73])
def test_colours_of_matlab(write, tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    write(tmp_path / "file.mat", photograph=colours)
    found, notes = io.image_from_file(tmp_path / "file.mat")
    np.testing.assert_allclose(found, 255 * rgb2gray(colours), rtol=1e-5)
    assert any("grey" in note for note in notes)


def test_colours_of_numpy(tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    npz(tmp_path / "file.npz", photograph=colours)
    found, _ = io.image_from_file(tmp_path / "file.npz")
    np.testing.assert_allclose(found, 255 * rgb2gray(colours), rtol=1e-5)


@pytest.mark.parametrize("values", [np.zeros((5, 6, 3)), np.zeros((5, 6, 3), np.uint16), np.zeros((5, 6, 4), np.uint8)])
def test_planes_that_are_no_colours(tmp_path, values):
    """Echoes, coils, slices: their luminance would be nonsense."""
    npz(tmp_path / "file.npz", echoes=values)
    with pytest.raises(InputError, match=r"no picture|three planes"):
        io.image_from_file(tmp_path / "file.npz")


def test_complex_numbers_are_said(tmp_path):
    npz(tmp_path / "file.npz", field=A + 1j)
    with pytest.raises(InputError, match=r"field \[3, 4\] of complex numbers"):
        io.image_from_file(tmp_path / "file.npz")


def test_three_pages_of_matlab_that_are_no_colours(tmp_path):
    mat(tmp_path / "file.mat", pages=np.random.default_rng(0).random((5, 6, 3)))
    with pytest.raises(InputError, match="no picture"):
        io.image_from_file(tmp_path / "file.mat")


def test_a_sparse_matrix_is_no_picture(tmp_path):
    import scipy.sparse

    mat(tmp_path / "file.mat", system=scipy.sparse.csr_matrix(np.eye(4)))
    with pytest.raises(InputError, match=r"system \[4, 4\] \(sparse\)"):
        io.image_from_file(tmp_path / "file.mat")


def test_nan_is_told(written):
    with pytest.raises(InputError, match="1 NaN"):
        io.image_from_file(written(shot=np.where(A == 5, np.nan, A)))

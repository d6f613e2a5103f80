"""MATLAB files, of versions 5 and 7.3: values, cells, structs, sparse matrices, and the fan beam of a challenge."""

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers.mat5 import read_mat5
from napari_mlpatch.paths import bundled

from .files import (
    ANGLES,
    angles,
    fan_struct,
    sinogram,
    write_mat,
    write_mat73,
    y_of,
)


@pytest.mark.parametrize("compress", [True, False])
def test_matlab_5(tmp_path, compress):
    stack = np.moveaxis(sinogram(), 0, 2)  # MATLAB's pages are the last axis
    scipy.io.savemat(tmp_path / "a.mat", {"sino": stack, "anglesRad": np.deg2rad(angles())}, do_compression=compress)
    problem = io.read_measurement(tmp_path / "a.mat", slice="all")
    assert np.array_equal(y_of(problem)[:, 0], sinogram()) and np.allclose(problem.A.angles_deg, angles())


def test_matlab_7_3(tmp_path):
    problem = io.read_measurement(write_mat73(tmp_path / "a.mat"))
    assert np.array_equal(y_of(problem)[0, 0], sinogram()[0]) and np.allclose(problem.A.angles_deg, angles())


def test_matlab_7_3_from_other_files(tmp_path):
    write_mat73(tmp_path / "source.mat")
    layout = h5py.VirtualLayout((32, 20), "f4")
    layout[:] = h5py.VirtualSource("source.mat", "sino", (32, 20))
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_virtual_dataset("scan/sino", layout)
        file["scan/anglesRad"] = h5py.ExternalLink("source.mat", "anglesRad")
    problem = io.read_measurement(tmp_path / "a.mat")
    assert np.array_equal(y_of(problem)[0, 0], sinogram()[0]) and np.allclose(problem.A.angles_deg, angles())
    (tmp_path / "source.mat").unlink()
    with pytest.raises(InputError, match=r"'sino' is in 'source.mat', which is missing"):
        io.load(tmp_path / "a.mat", dataset="scan.sino")
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file.create_dataset("sino", (32, 20), "f4", external=[("raw.bin", 0, 32 * 20 * 4)])
        file["other"] = np.ones((32, 20))
    with pytest.raises(InputError, match=r"'sino' has its values as raw bytes in 'raw.bin'"):
        io.load(tmp_path / "b.mat")


@pytest.mark.parametrize("axis", ["rows", "columns", "pages"])
def test_matlab_7_3_stack(tmp_path, axis):
    array = {"rows": sinogram(), "columns": sinogram().transpose(0, 2, 1), "pages": sinogram().transpose(1, 0, 2)}[axis]
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["volume"] = array.swapaxes(1, 2)  # all axes reversed with respect to MATLAB's [rows, columns, pages]
        file["volume"].attrs["MATLAB_class"] = np.bytes_(b"single")
    measurement = io.load(tmp_path / "a.mat", angle_axis=axis)
    assert [measurement.data[i].tolist() for i in range(3)] == sinogram().tolist()


def test_matlab_values_are_those_of_scipy(tmp_path):
    values = {
        "numbers": np.arange(6.0).reshape(2, 3),
        "bytes": np.arange(6, dtype=np.uint8).reshape(3, 2),
        "text": "grüße",
        "long_name_of_a_variable": np.int64(-5),
        "nested": {"inner": {"x": np.float32(1.5), "s": "a"}, "flag": True},
        "empty": np.zeros((0, 3)),
        "complex": np.arange(6).reshape(2, 3) * (1 - 2j),
        "cell": np.array([1, "a"], dtype=object),
    }
    for compress in (True, False):
        scipy.io.savemat(tmp_path / "a.mat", values, do_compression=compress)
        read = read_mat5(tmp_path / "a.mat")
        assert np.array_equal(read["numbers"], values["numbers"]) and np.array_equal(read["bytes"], values["bytes"])
        assert read["text"] == "grüße" and read["long_name_of_a_variable"].item() == -5
        assert (
            read["nested.inner.x"].item() == 1.5 and read["nested.inner.s"] == "a" and read["nested.flag"].item() == 1
        )
        assert read["empty"].shape == (0, 3) and "cell" not in read
        assert np.array_equal(read["complex"], values["complex"])


def test_the_challenge_file_as_matlab_wrote_it_and_as_scipy_reads_it():
    path = bundled("sample_data") / "htc2022_ta.mat"
    expected = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)["CtDataFull"]
    measurement = io.load(path)
    assert measurement.kind == "fan-beam" and measurement.unit == "mm" and measurement.missing == ()
    assert np.array_equal(measurement.data[0], expected.sinogram)
    assert np.array_equal(measurement.angles_deg, expected.parameters.angles)
    assert measurement.geometry == {"detector_pitch": 0.2, "source_to_axis": 410.66, "source_to_detector": 553.74}


def test_a_fan_beam_as_it_is_and_resampled(tmp_path):
    measurement = io.load(write_mat(tmp_path / "a.mat"))
    A = measurement.problem().A
    assert (A.name, A.range_shape, A.source_to_axis, A.source_to_detector) == ("fan-beam", (21, 32), 410.66, 553.74)
    assert A.detector_pitch == 0.2 and A.pixel_size == pytest.approx(0.2 * 410.66 / 553.74)
    assert measurement.problem(detector="curved", source_to_axis=300).A.source_to_axis == 300
    assert measurement.problem(rebin=True).A.range_shape == (20, 32)
    with pytest.raises(InputError, match="curved detector is not resampled"):
        measurement.problem(rebin=True, detector="curved")
    scan = fan_struct()
    scan["CtData"]["parameters"]["distanceSourceDetector"] = 0.0
    scipy.io.savemat(tmp_path / "b.mat", scan)
    with pytest.raises(InputError, match="all must be positive"):
        io.load(tmp_path / "b.mat")


def test_a_matlab_file_of_version_4_is_not_called_damaged(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"sinogram": np.ones((6, 9)), "theta": np.arange(6.0)}, format="4")
    with pytest.raises(InputError, match=r"not a MATLAB file of version 5 to 7\.3\. Save it with save"):
        io.load(tmp_path / "a.mat")


def write_sparse(file, name, matrix):
    group = file.create_group(name)
    group.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0])
    group["data"], group["ir"], group["jc"] = matrix.data, matrix.indices, matrix.indptr


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("shape", [(984, 672), (51480, 65536)])
def test_a_sparse_system_matrix_beside_a_sinogram(tmp_path, version, shape, monkeypatch):
    """As in the open scans of walnuts and lotus roots (Hamalainen et al., arXiv:1502.04064; Bubba et al., 1609.07299).

    The larger one would have 25 GiB.
    """
    monkeypatch.setenv("MLPATCH_MEMORY_GB", "0.5")
    m, path = sinogram()[0], tmp_path / "a.mat"
    A = scipy.sparse.csc_matrix((np.ones(3), (np.arange(3), np.arange(3))), shape=shape)
    for damaged in (False, True):
        A.indices[1] = shape[0] if damaged else 1
        if version == "5":
            scipy.io.savemat(path, {"A": A, "m": m})
        else:
            with h5py.File(path, "w", userblock_size=512) as file:
                write_sparse(file, "A", A)
                file["m"] = m.T
        for options in ({}, {"dataset": "m"}):
            found = io.load(path, **options)
            assert np.array_equal(found.data[0], m)
            assert any("sparse matrices" in note and f"A {list(shape)}" in note for note in found.notes)
        if shape[0] < 1000 and not damaged:
            assert np.array_equal(io.load(path, dataset="A").data[0], A.toarray())
        else:
            with pytest.raises(InputError, match="do not fit" if shape[0] < 1000 else "25.14 GiB"):
                io.load(path, dataset="A")


def test_which_sparse_matrix_is_a_sinogram(tmp_path):
    sino, other = (scipy.sparse.csc_matrix(values) for values in (sinogram()[0].astype(float), np.eye(7)))
    for arrays in ({"S": sino, "theta": angles()}, {"sino": sino, "m": np.ones((9, 8))}, {"S": sino, "n": 2.0}):
        scipy.io.savemat(tmp_path / "a.mat", arrays)
        assert np.array_equal(io.load(tmp_path / "a.mat").data[0], sinogram()[0])
    scipy.io.savemat(tmp_path / "a.mat", {"data": other, "y": sinogram()[0]})  # a full one of a usual name goes before
    assert np.array_equal(io.load(tmp_path / "a.mat").data[0], sinogram()[0])
    scipy.io.savemat(tmp_path / "a.mat", {"A": other, "m": np.ones((49, 1))})
    with pytest.raises(InputError, match=r"no sinogram .* Sparse matrices, .* named: A \[7, 7\]"):
        io.load(tmp_path / "a.mat")


def test_sparse_matrices_of_matlab(tmp_path):
    sparse = scipy.sparse.csc_matrix(sinogram()[0].astype(float))
    for compress in (False, True):
        scipy.io.savemat(tmp_path / "a.mat", {"sino": sparse, "theta": angles()}, do_compression=compress)
        assert np.array_equal(io.load(tmp_path / "a.mat").data[0], sinogram()[0])
    scipy.io.savemat(tmp_path / "b.mat", {"sino": sparse * (1 + 2j)})
    assert np.allclose(read_mat5(tmp_path / "b.mat")["sino"], sinogram()[0] * (1 + 2j))
    with h5py.File(tmp_path / "c.mat", "w", userblock_size=512) as file:
        write_sparse(file, "sino", sparse)
    assert np.array_equal(io.load(tmp_path / "c.mat").data[0], sinogram()[0])
    with h5py.File(tmp_path / "c.mat", "a") as file:
        file["sino/ir"][3] = ANGLES
    with pytest.raises(InputError, match="indices do not fit"):
        io.load(tmp_path / "c.mat")


def test_arrays_of_structs_of_matlab(tmp_path):
    scans = np.zeros(2, [("sino", object), ("theta", object)])
    for k in range(2):
        scans[k] = (sinogram()[k], angles())
    scipy.io.savemat(tmp_path / "a.mat", {"scan": scans})
    found = io.load(tmp_path / "a.mat")
    assert np.array_equal(found.data[0], sinogram()[0]) and any("scan{2}.sino" in note for note in found.notes)
    assert np.array_equal(io.load(tmp_path / "a.mat", dataset="scan{2}.sino").data[0], sinogram()[1])

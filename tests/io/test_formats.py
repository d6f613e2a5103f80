"""Each format of measurements gives the same sinogram back, with what belongs to it."""

import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
import tifffile

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers import h5_stored
from napari_mlpatch.io.readers.mat5 import read_mat5
from napari_mlpatch.paths import bundled

from .files import (
    ANGLES,
    BINS,
    angles,
    fan_struct,
    sinogram,
    write_exchange,
    write_mat,
    write_mat73,
    write_npz,
    write_tiff,
)


def y_of(problem):
    return problem.y.numpy()


# ---- TIFF -----------------------------------------------------------------------------------------------------------


def test_tiff_stack(tmp_path):
    measurement = io.load(write_tiff(tmp_path / "scan.tif"))
    assert measurement.data.shape == (3, ANGLES, BINS) and measurement.missing == ("angles_deg",)
    problem = measurement.problem(angles_deg=angles(), slice="all")
    assert np.array_equal(y_of(problem)[:, 0], sinogram())
    assert np.array_equal(y_of(measurement.problem(angles_deg=angles()))[0, 0], sinogram()[1])  # the middle one


@pytest.mark.parametrize(
    ("array", "axis"),
    [
        (sinogram()[0], "rows"),
        (sinogram()[0].T, "columns"),
        (sinogram(), "rows"),
        (sinogram().transpose(0, 2, 1), "columns"),
        (sinogram().transpose(1, 0, 2), "pages"),
    ],
)
def test_tiff_axes(tmp_path, array, axis):
    tifffile.imwrite(tmp_path / "scan.tif", array, photometric="minisblack")
    problem = io.read_measurement(tmp_path / "scan.tif", angle_axis=axis, angles_deg="0:180:20", slice=0)
    assert np.array_equal(y_of(problem)[0, 0], sinogram()[0])
    assert np.allclose(problem.A.angles_deg, angles())


def test_tiff_of_whole_numbers_is_not_taken_for_counts_silently(tmp_path):
    counts = (1000 * np.exp(-sinogram()[0])).astype(np.uint16)
    tifffile.imwrite(tmp_path / "scan.tif", counts)
    measurement = io.load(tmp_path / "scan.tif")
    assert not measurement.is_counts and any("whole numbers" in note for note in measurement.notes)
    problem = measurement.problem(angles_deg=angles(), flat=1000)
    assert np.allclose(y_of(problem)[0, 0], sinogram()[0], atol=5e-3)


# ---- NumPy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ">f4"])
def test_npy(tmp_path, dtype):
    np.save(tmp_path / "scan.npy", sinogram()[0].astype(dtype))
    measurement = io.load(tmp_path / "scan.npy")
    assert measurement.data[0].dtype == np.float32
    assert np.allclose(y_of(measurement.problem(angles_deg=angles()))[0, 0], sinogram()[0], atol=1e-3)


def test_npz_with_usual_names(tmp_path):
    counts = (10 + 1000 * np.exp(-sinogram()[0])).astype(np.float32)
    np.savez(
        tmp_path / "a.npz",
        Projections=counts,
        theta_rad=np.deg2rad(angles()),
        flats=np.full((5, BINS), 1010),
        dark=10.0,
    )
    measurement = io.load(tmp_path / "a.npz")
    assert measurement.missing == () and measurement.is_counts
    problem = measurement.problem()
    assert np.allclose(y_of(problem)[0, 0], sinogram()[0], atol=1e-5) and np.allclose(problem.A.angles_deg, angles())
    assert io.load(write_npz(tmp_path / "b.npz")).problem().A.axis_bin == 15.25


def test_angles_tell_the_axis(tmp_path):
    np.savez(tmp_path / "a.npz", sino=sinogram()[0].T, angles=angles())
    assert np.array_equal(io.load(tmp_path / "a.npz").data[0], sinogram()[0])


def test_several_arrays_need_a_name(tmp_path):
    np.savez(tmp_path / "a.npz", first=sinogram()[0], second=sinogram()[1], angles=angles())
    with pytest.raises(InputError, match=r"first \[20, 32\], second \[20, 32\].*option dataset"):
        io.load(tmp_path / "a.npz")
    problem = io.read_measurement(tmp_path / "a.npz", dataset="second")
    assert np.array_equal(y_of(problem)[0, 0], sinogram()[1])
    assert np.array_equal(y_of(io.open_source(problem.source)), y_of(problem))
    with pytest.raises(InputError, match="no array 'third'"):
        io.load(tmp_path / "a.npz", dataset="third")


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", np.array([{"a": 1}], dtype=object))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(InputError):
            io.load(tmp_path / name)


# ---- HDF5 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "theta"),
    [
        (np.bytes_(b"degrees"), None),
        (np.bytes_(b"radians"), np.deg2rad(angles())),
        (None, None),
        (None, np.deg2rad(angles())),
        (np.bytes_(b"deg"), None),
        ("degrees", None),
        (["radians"], np.deg2rad(angles())),
    ],
)
def test_data_exchange(tmp_path, units, theta):
    measurement = io.load(write_exchange(tmp_path / "a.h5", units=units, theta=theta))
    assert measurement.data.shape == (3, ANGLES, BINS) and measurement.missing == ()
    problem = measurement.problem(slice="all")
    assert np.allclose(y_of(problem)[:, 0], sinogram(), atol=1e-5)
    assert np.allclose(problem.A.angles_deg, angles())


def test_data_exchange_counts_without_a_flat(tmp_path):
    measurement = io.load(write_exchange(tmp_path / "a.h5", white=False))
    assert measurement.missing == ("flat",)
    with pytest.raises(InputError, match=r"needs the flat field.*1010"):
        measurement.problem()
    problem = measurement.problem(flat=1010, dark=10.0, slice=2)
    assert np.allclose(y_of(problem)[0, 0], sinogram()[2], atol=1e-5)


def test_one_slice_of_a_volume_reads_only_that(tmp_path, monkeypatch):
    path = write_exchange(tmp_path / "a.h5")
    read = []
    monkeypatch.setattr(h5_stored, "numbers", lambda array: read.append(array) or array)
    io.load(path).problem(slice=1)
    assert max(part.size for part in read) == ANGLES * BINS


def test_plain_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/first"] = sinogram()
        file["scan/second"] = 2 * sinogram()
        file["scan/Angles"] = angles()
        file["title"] = "text is left alone"
    with pytest.raises(InputError, match=r"scan/first \[3, 20, 32\].*option dataset"):
        io.load(tmp_path / "a.h5")
    problem = io.read_measurement(tmp_path / "a.h5", dataset="scan/second", slice=0)
    assert np.array_equal(y_of(problem)[0, 0], 2 * sinogram()[0])


# ---- MATLAB ---------------------------------------------------------------------------------------------------------


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


def test_any_file_can_be_called_a_fan_beam(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((9, 20), np.float32))
    options: dict = {"angles_deg": "0:360:9", "source_to_axis": 30.0, "source_to_detector": 60.0}
    A = io.read_measurement(tmp_path / "a.npy", **options, detector_pitch=2.0).A
    assert (A.name, A.pixel_size, A.detector) == ("fan-beam", 1.0, "flat")
    for wrong, message in (
        ({"source_to_axis": None}, "needs both source_to_axis and source_to_detector, got source_to_detector"),
        ({"source_to_axis": None, "source_to_detector": None, "detector": "flat"}, "got only detector"),
        ({"source_to_detector": 0.0}, "positive, got source_to_detector = 0"),
    ):
        with pytest.raises(InputError, match=message):
            io.read_measurement(tmp_path / "a.npy", **{**options, **wrong})


def test_a_matlab_file_of_version_4_is_not_called_damaged(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"sinogram": np.ones((6, 9)), "theta": np.arange(6.0)}, format="4")
    with pytest.raises(InputError, match=r"not a MATLAB file of version 5 to 7\.3\. Save it with save"):
        io.load(tmp_path / "a.mat")


def test_python_objects_are_not_called_damaged(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.0, None], [3.0, 4.0]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"holds Python objects, .* not read") as caught:
        io.load(tmp_path / "a.npy")
    assert "damaged" not in str(caught.value)


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


def test_grey_png_of_few_bits_as_stored(tmp_path):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    for depth, rows, expected in ((2, b"\0\x1b\0\xe4", [[0, 1, 2, 3], [3, 2, 1, 0]]), (4, b"\0\x0f\0\x37", None)):
        expected = [[0, 15], [3, 7]] if expected is None else expected
        head = struct.pack(">IIBBBBB", len(expected[0]), 2, depth, 0, 0, 0, 0)
        chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
        assert np.array_equal(io.load(tmp_path / "a.png").data[0], expected)

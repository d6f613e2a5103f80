"""Each format of measurements gives the same sinogram back, with what belongs to it."""

import struct
import zlib

import h5py
import numpy as np
import pytest
import tifffile

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers import h5_stored

from .files import (
    ANGLES,
    BINS,
    angles,
    sinogram,
    write_exchange,
    write_npz,
    write_tiff,
    y_of,
)

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


# ---- any format -----------------------------------------------------------------------------------------------------


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


def test_python_objects_are_not_called_damaged(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.0, None], [3.0, 4.0]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"holds Python objects, .* not read") as caught:
        io.load(tmp_path / "a.npy")
    assert "damaged" not in str(caught.value)


def test_grey_png_of_few_bits_as_stored(tmp_path):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    for depth, rows, expected in ((2, b"\0\x1b\0\xe4", [[0, 1, 2, 3], [3, 2, 1, 0]]), (4, b"\0\x0f\0\x37", None)):
        expected = [[0, 15], [3, 7]] if expected is None else expected
        head = struct.pack(">IIBBBBB", len(expected[0]), 2, depth, 0, 0, 0, 0)
        chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
        assert np.array_equal(io.load(tmp_path / "a.png").data[0], expected)

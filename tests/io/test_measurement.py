"""Options of a measurement, and every way in which they and the data may not fit."""

import json

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators.center import find_center

from .files import ANGLES, BINS, angles, sinogram, write_exchange, write_npz


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "scan.npy", sinogram()[0])
    return tmp_path / "scan.npy"


def test_defaults(path):
    problem = io.read_measurement(path, angles_deg=angles())
    assert problem.A.image_shape == (BINS, BINS) and problem.A.center is None
    assert problem.A.detector_pitch == problem.A.pixel_size == 1
    assert problem.y.shape == (1, 1, ANGLES, BINS) and problem.noise is None and problem.truth is None


def test_geometry_options(path):
    problem = io.read_measurement(
        path, angles_deg="0:180:20", center=14.5, image_shape=(20, 24), detector_pitch=0.5, pixel_size=0.25
    )
    A = problem.A
    assert (A.image_shape, A.center, A.detector_pitch, A.pixel_size) == ((20, 24), 14.5, 0.5, 0.25)
    assert io.read_measurement(path, angles_deg="0:180:20", detector_pitch=0.5).A.pixel_size == 0.5


def test_automatic_centre(path):
    problem = io.read_measurement(path, angles_deg=angles(), center="auto")
    assert problem.A.center == find_center(sinogram()[0], angles()).value
    assert problem.A.center == pytest.approx(15.5, abs=0.25)


@pytest.mark.parametrize(
    "options",
    [
        {"angles_deg": angles()},
        {"angles_deg": "0:180:20", "center": np.float64(14.5), "image_shape": (20, 24)},
        {"angles_deg": angles().tolist(), "flat": np.full(BINS, 2.0), "dark": -1, "log": True},
    ],
)
def test_replay(path, options):
    problem = io.read_measurement(path, **options)
    source = json.loads(json.dumps(problem.source))
    again = io.open_source(source)
    assert again.A == problem.A and (again.y == problem.y).all() and again.source == problem.source


def test_replay_does_not_depend_on_the_current_folder(path, monkeypatch, tmp_path):
    (path.parent / "angles.txt").write_text("\n".join(map(str, angles())))
    monkeypatch.chdir(path.parent)
    problem = io.read_measurement("scan.npy", angles_deg="angles.txt")
    monkeypatch.chdir("/")
    assert io.open_source(problem.source).A == problem.A


def test_log_can_be_refused(tmp_path):
    path = write_exchange(tmp_path / "a.h5")
    problem = io.read_measurement(path, log=False, slice=0)
    assert float(problem.y.max()) == pytest.approx(1010, abs=1)
    assert (io.open_source(problem.source).y == problem.y).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "does not say at which angles its 20 rows.*0:180:20"),
        ({"angles_deg": "0:180:19"}, "19 angles for 20 rows of 32 bins"),
        ({"angles_deg": "0:180:32"}, "32 angles for 20 rows.*angle_axis='columns'"),
        ({"angles_deg": "0:180:20", "center": 32}, "centre 32 lies outside .* 0 to 31"),
        ({"angles_deg": "0:180:20", "center": -0.1}, "lies outside"),
        ({"angles_deg": "0:180:20", "center": float("nan")}, "lies outside"),
        ({"angles_deg": "0:180:20", "center": "middle"}, "a bin number or \"auto\", got 'middle'"),
        ({"angles_deg": "0:90:20", "center": "auto"}, "cover 90 degrees"),
        ({"angles_deg": "0:180:20", "slice": 1}, "from 0 to 0"),
        ({"angles_deg": "0:180:20", "slice": True}, "slice must be"),
        ({"angles_deg": "0:180:20", "slice": "some"}, "slice must be"),
        ({"angles_deg": "0:180:20", "image_shape": (0, 5)}, "image_shape"),
        ({"angles_deg": "0:180:20", "image_shape": 5}, "image_shape"),
        ({"angles_deg": "0:180:20", "detector_pitch": 0}, "detector_pitch"),
        ({"angles_deg": "0:180:20", "pixel_size": -1.0}, "pixel_size"),
        ({"angles_deg": "0:180:20", "log": True}, "needs the flat field"),
        ({"angles_deg": "0:180:20", "flat": 1.0}, "zero or negative"),
        ({"angles_deg": "0:180:20", "angle_axis": "pages"}, "only rows and columns"),
        ({"angles_deg": "0:180:20", "angle_axis": "up"}, "'rows', 'columns' or 'pages', got 'up'"),
        ({"angles": "0:180:20"}, "Unknown option.*angles"),
    ],
)
def test_options_that_do_not_fit(path, options, words):
    with pytest.raises(InputError, match=words):
        io.read_measurement(path, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(tmp_path, value):
    y = sinogram()[0]
    y[3, 7] = y[5, 1] = value
    np.save(tmp_path / "a.npy", y)
    with pytest.raises(InputError, match=r"2 NaN or infinite value\(s\), the first at index \[3, 7\]"):
        io.read_measurement(tmp_path / "a.npy", angles_deg=angles())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5),
        np.zeros((0, 4)),
        np.zeros((2, 3, 4, 5)),
        np.float32(3),
        np.zeros((5, 4), complex),
        np.array([["a"]]),
    ],
)
def test_arrays_that_are_no_sinogram(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError):
        io.read_measurement(tmp_path / "a.npy", angles_deg="0:180:5")


def test_angles_of_the_file_that_do_not_match(tmp_path):
    np.savez(tmp_path / "a.npz", sinogram=sinogram()[0], angles=np.arange(7.0))
    with pytest.raises(InputError, match="7 angles for 20 rows"):
        io.read_measurement(tmp_path / "a.npz")
    assert io.read_measurement(tmp_path / "a.npz", angles_deg=angles()).A.range_shape == (ANGLES, BINS)


def test_a_centre_of_the_file_beside_the_detector_is_ignored_and_told(tmp_path):
    np.savez(tmp_path / "a.npz", sinogram=sinogram()[0], angles=angles(), center=99)
    measurement = io.load(tmp_path / "a.npz")
    assert measurement.center is None and any("99 is not a bin" in note for note in measurement.notes)


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.h5").write_text("this is no HDF5 file at all, although it is long enough to be looked at")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n0000")
    for name, words in (
        ("missing.h5", "does not exist"),
        (".", "is a folder"),
        ("empty.h5", "empty"),
        ("text.h5", "does not begin like a .h5 file"),
        ("notes.txt", "of no known kind"),
        ("picture.png", "cannot be read as PNG"),
        ("nul\0byte.h5", "null byte"),
        ("x" * 300, "cannot be opened"),
    ):
        with pytest.raises(InputError, match=words):
            io.load(tmp_path / name)


def test_the_format_is_told_by_the_content(tmp_path):
    write_npz(tmp_path / "a.npz").rename(tmp_path / "a.dat")
    assert io.read_measurement(tmp_path / "a.dat").A.axis_bin == 15.25


def test_half_acquisition_has_a_picture_as_wide_as_both_halves_see(tmp_path):
    """A disk of radius 60 seen by 80 bins with the axis at bin 11.6."""
    angle, place = np.deg2rad(np.arange(0, 360, 2.0))[:, None], np.arange(80) - 11.6
    offset = place - 6 * np.cos(angle)
    y = 2 * np.sqrt(np.maximum(60.0**2 - offset**2, 0))
    np.save(tmp_path / "scan.npy", y.astype(np.float32))
    problem = io.load(tmp_path / "scan.npy").problem(angles_deg="0:360:180", center="auto", log=False)
    assert problem.A.center == pytest.approx(11.6, abs=0.3)
    assert 133 <= problem.A.image_shape[0] <= 138 and any("opposite views" in note for note in problem.notes)
    picture = problem.A.pinv(problem.y)[0, 0].numpy()
    r, c = (np.arange(n) - (n - 1) / 2 for n in picture.shape)
    assert picture[np.hypot(r[:, None], c[None] - 6) < 55] == pytest.approx(1, abs=0.06)


def test_an_object_wider_than_the_detector_is_remarked(tmp_path):
    """A disk of radius 60 on 80 bins: its picture is 1 all the same, without a bright rim."""
    place = np.arange(80) - 39.5
    row = 2 * np.sqrt(60.0**2 - place**2)
    np.savez(tmp_path / "roi.npz", sinogram=np.tile(row, (180, 1)).astype(np.float32), angles_deg=np.arange(180.0))
    problem = io.load(tmp_path / "roi.npz").problem()
    (remark,) = problem.A.remarks(problem.y)
    assert "wider than the detector" in remark and "image_shape" in remark
    picture = problem.A.pinv(problem.y)[0, 0].numpy()
    assert picture[np.hypot(*np.meshgrid(place, place)) < 38] == pytest.approx(1, abs=0.02)

"""The project's own measurement file: a complete problem, there and back."""

import h5py
import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError


@pytest.fixture
def problem():
    A = mp.operators.ParallelBeam(image_shape=(16, 12), angles_deg="0:180:15", detector_count=24, center=11.25)
    x = torch.rand(2, 1, 16, 12)
    return mp.simulate(x, A, noise=mp.noise.Gaussian(relative=0.05), seed=7)


def test_there_and_back(tmp_path, problem):
    io.write_measurement(tmp_path / "m.h5", problem)
    measurement = io.load(tmp_path / "m.h5")
    assert measurement.kind == "parallel-beam" and measurement.missing == () and measurement.center == 11.25
    assert np.allclose(measurement.angles_deg, problem.A.angles_deg) and any(
        "seed 7" in note for note in measurement.notes
    )
    assert measurement.data.shape == (2, 15, 24) and np.array_equal(measurement.data[1], problem.y[1, 0])
    again = measurement.problem()
    assert torch.equal(again.y, problem.y) and torch.equal(again.truth, problem.truth)
    assert again.A == problem.A and again.noise == problem.noise and again.noise_std == problem.noise_std
    assert torch.equal(io.open_source(again.source).y, problem.y)


def test_without_truth_and_noise(tmp_path, problem):
    io.write_measurement(tmp_path / "m.h5", mp.Problem(problem.A, problem.y))
    again = io.read_measurement(tmp_path / "m.h5")
    assert again.truth is None and again.noise is None and again.noise_std is None


def test_many_angles_do_not_fit_into_an_attribute(tmp_path):
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg=np.sort(np.random.rand(6000)), detector_count=8)
    io.write_measurement(tmp_path / "m.h5", mp.Problem(A, torch.ones(A.range_shape)))
    assert io.read_measurement(tmp_path / "m.h5").A == A


def test_geometry_can_be_changed(tmp_path, problem):
    io.write_measurement(tmp_path / "m.h5", mp.Problem(problem.A, problem.y))
    again = io.read_measurement(tmp_path / "m.h5", center=10.5, image_shape=(20, 20))
    assert again.A.center == 10.5 and again.A.image_shape == (20, 20)
    assert io.open_source(again.source).A == again.A
    assert abs(io.read_measurement(tmp_path / "m.h5", center="auto").A.center - 11.25) < 1
    with pytest.raises(InputError, match=r"flat do not apply.*image_shape"):
        io.read_measurement(tmp_path / "m.h5", flat=3)
    with pytest.raises(InputError, match=r"shape \[14, 24\], but the file's have \[15, 24\]"):
        io.read_measurement(tmp_path / "m.h5", angles_deg="0:180:14")


def test_an_old_file_is_kept_when_writing_fails(tmp_path, problem, monkeypatch):
    io.write_measurement(tmp_path / "m.h5", problem)
    before = (tmp_path / "m.h5").read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        io.write_measurement(tmp_path / "m.h5", problem)
    assert (tmp_path / "m.h5").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file["mlpatch"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: g.attrs.__setitem__("format", 99), "format 99"),
        (lambda g: g.attrs.__delitem__("format"), "cannot be read"),
        (lambda g: g.__delitem__("y"), "incomplete"),
        (lambda g: g.attrs.__setitem__("operator", b"{"), "cannot be read"),
        (lambda g: g.attrs.__setitem__("operator", b'{"name": "crystal-ball"}'), "crystal-ball"),
        (
            lambda g: g.attrs.__setitem__("operator", b'{"name": "parallel-beam", "params": {"x": 1}}'),
            "unknown parameter",
        ),
        (lambda g: g.attrs.__setitem__("noise", b'{"name": "loud"}'), "loud"),
        (lambda g: g["y"].__setitem__((0, 0, 1, 2), np.nan), r"1 NaN or infinite value\(s\)"),
        (lambda g: (g.__delitem__("y"), g.create_dataset("y", data=np.ones((1, 1, 3, 3)))), r"\[1, 1, 3, 3\]"),
        (lambda g: (g.__delitem__("y"), g.create_dataset("y", data=np.ones(3))), "not data of a problem"),
        (lambda g: (g.__delitem__("truth"), g.create_dataset("truth", data=np.ones((2, 1, 3, 3)))), "truth"),
        (lambda g: (g.__delitem__("y"), g.create_group("y")), "no array 'y'"),
        (lambda g: (g.__delitem__("y"), g.create_dataset("y", shape=(1, 1, 10**6, 10**6), dtype="f4")), "damaged"),
    ],
)
def test_bad_files(tmp_path, problem, change, words):
    io.write_measurement(tmp_path / "m.h5", problem)
    edit(tmp_path / "m.h5", change)
    with pytest.raises(InputError, match=words):
        io.read_measurement(tmp_path / "m.h5")

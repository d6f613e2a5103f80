"""Degrees or radians, of lists as scans really have them."""

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.angle_unit import guess_unit
from napari_mlpatch.io.angles import to_degrees

from .files import sinogram

RANDOM = np.random.default_rng(0)
GOLDEN = np.pi * (np.sqrt(5) - 1) / 2
HALF = np.linspace(0, np.pi, 90, endpoint=False)

RADIANS = {
    "half turn": HALF,
    "half turn with its end": np.linspace(0, np.pi, 90),
    "full turn about 0": np.linspace(-np.pi, np.pi, 360),
    "six views": np.linspace(0, np.pi, 6, endpoint=False),
    "two views": np.array([0, np.pi / 2]),
    "tilts": np.deg2rad(np.arange(-60, 61, 2)),
    "three digits": np.round(HALF, 3),
    "float32": np.linspace(0, 2 * np.pi, 721).astype(np.float32),
    "any order": RANDOM.permutation(HALF),
    "two turns of the same": np.tile(HALF, 2),
    "backwards": -HALF,
    "jitter": HALF + RANDOM.normal(0, 1e-3, 90),
    "random": np.sort(RANDOM.uniform(0, np.pi, 90)),
    "quarter turn": np.linspace(0, np.pi / 2, 50),
    "golden": np.arange(300) * GOLDEN,
    "golden, within a half turn": np.arange(300) * GOLDEN % np.pi,
    "three turns": np.linspace(0, 6 * np.pi, 900, endpoint=False),
    "a few whole degrees": np.deg2rad([0, 30, 75]),
    "arange": np.arange(0, np.pi, 0.0123),
}
DEGREES = {
    "half turn": np.linspace(0, 180, 90, endpoint=False),
    "full turn": np.linspace(0, 360, 91),
    "small tilts": np.arange(-6, 6.1, 0.5),
    "smaller tilts": np.arange(-3, 3.1, 0.25),
    "whole numbers": np.arange(6.0),
    "one": np.zeros(1),
    "random": RANDOM.uniform(0, 180, 90),
    "small tilts that were read back": np.linspace(-6, 6, 26) + RANDOM.normal(0, 0.02, 26),
    "tilts": np.linspace(-60, 60, 41),
    "golden": np.arange(900) * 111.246,
    "beyond 20 pi": np.arange(0, 62.8, 0.1),
}
NEITHER = {
    "round steps that fill a half turn": np.arange(0, np.pi, 0.1),
    "few of them": np.arange(0, 3.1, 0.5),
    "irregular on a short arc": np.linspace(0, 1.57, 33) + RANDOM.normal(0, 1e-2, 33),
    "some": np.array([0.1, 1.7, 2.44]),
}


@pytest.mark.parametrize("name", RADIANS)
def test_radians(name):
    assert guess_unit(np.asarray(RADIANS[name])).unit == "radians"


@pytest.mark.parametrize("name", DEGREES)
def test_degrees(name):
    assert guess_unit(DEGREES[name]).unit == "degrees"


@pytest.mark.parametrize("name", NEITHER)
def test_neither(name):
    assert guess_unit(NEITHER[name]).unit is None


@pytest.mark.parametrize("step", [4.5, 0.5, 1.0, 0.25])
def test_degrees_are_not_taken_for_radians_though_a_file_says_so(tmp_path, step):
    angles = np.arange(0, 180, step)
    (tmp_path / "theta.txt").write_text("# rad\n" + "\n".join(f"{a:g}" for a in angles))
    with pytest.raises(InputError, match="said to be in radians, but"):
        io.read_angles(tmp_path / "theta.txt")
    assert np.allclose(io.read_angles(tmp_path / "theta.txt", unit="degrees"), angles)
    for radians in (np.linspace(0, 6 * np.pi, 50), np.arange(60) * 0.31):
        np.savetxt(tmp_path / "turns.txt", radians, header="rad")
        assert np.allclose(io.read_angles(tmp_path / "turns.txt"), np.degrees(radians))


@pytest.mark.parametrize("way", ["text", "list", "range", "npz"])
def test_every_way_in_decides_alike_and_tells(tmp_path, way):
    radians, expected = np.linspace(0, np.pi, 20, endpoint=False), np.arange(20) * 9.0
    path, options = tmp_path / "scan.npy", {}
    np.save(path, sinogram()[0])
    if way == "text":
        np.savetxt(tmp_path / "theta.txt", radians)
        options["angles_deg"] = tmp_path / "theta.txt"
    elif way == "npz":
        path = tmp_path / "scan.npz"
        np.savez(path, sinogram=sinogram()[0], theta=radians)
    else:
        options["angles_deg"] = radians.tolist() if way == "list" else f"0:{np.pi}:20"
    found = io.load(path)
    problem = found.problem(**options)
    assert np.allclose(problem.A.angles_deg, expected)
    assert any("radians" in note for note in (*found.notes, *problem.notes))
    assert io.open_source(problem.source).A == problem.A
    as_degrees = io.read_measurement(path, angle_unit="degrees", **options)
    assert np.allclose(as_degrees.A.angles_deg, radians)
    assert io.open_source(as_degrees.source).A == as_degrees.A


def test_a_file_whose_unit_cannot_be_told_opens_and_asks(tmp_path):
    angles = np.arange(20) * 0.15  # 2.85: nearly a half turn in radians
    np.savez(tmp_path / "a.npz", sinogram=sinogram()[0], theta=angles + RANDOM.normal(0, 1e-2, 20))
    found = io.load(tmp_path / "a.npz")
    assert found.missing == ("angles_deg",)
    with pytest.raises(InputError, match=r"cannot be told.*Give angle_unit \(--angle-unit\)"):
        found.problem()
    assert io.read_measurement(tmp_path / "a.npz", angle_unit="radians").A.angles_deg[-1] > 100


def test_complex_angles_are_refused_and_not_cut_to_their_real_parts():
    with pytest.raises(InputError, match=r"complex numbers\. Give real ones: np\.angle"):
        to_degrees(np.exp(1j * np.linspace(0, 3, 20)), None, "theta")
    angles, _ = to_degrees(np.linspace(0, 170, 20) + 0j, None, "theta")
    assert angles is not None and angles[-1] == 170


@pytest.mark.parametrize("arc", [60, 72, 90, 100, 120, 135, 150, 180, 200, 210, 225, 240, 270, 300, 340, 360, 720])
@pytest.mark.parametrize("digits", [2, 6, 15])
def test_even_steps_over_usual_arcs_are_degrees_however_many(arc, digits):
    """Steps of 1.2 degrees are, as numbers, golden angles in radians to five digits."""
    for count in range(10, 1500):
        for last in (False, True):
            angles = np.round(np.linspace(0, arc, count, endpoint=last), digits)
            assert guess_unit(angles).unit == "degrees", (count, last)


@pytest.mark.parametrize("count", [20, 75, 150, 600])
@pytest.mark.parametrize("golden", [np.pi * (5**0.5 - 1) / 2, np.pi * (3 - 5**0.5) / 2])
def test_golden_angles_in_radians(golden, count):
    for angles in (
        golden * np.arange(count),
        np.round(golden * np.arange(count), 4),
        golden * np.arange(count) % np.pi,
    ):
        assert guess_unit(angles).unit == "radians"

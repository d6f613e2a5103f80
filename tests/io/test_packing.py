"""Packed numbers, integers that overflowed as angles, motor counts, and when flats were taken."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.angles import to_degrees
from napari_mlpatch.io.packing import packing_of

ANGLES = np.arange(30) * 6.0
BINS = np.arange(41) - 20.0
LINES = np.stack(
    [
        0.04 * np.sqrt(np.maximum(15.0**2 - (BINS - 3 * np.cos(np.radians(ANGLES))[:, None] + z) ** 2, 0))
        for z in range(3)
    ]
)


def written(path, arrays):
    """Each an array, or one with its attributes."""
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            values, attributes = value if isinstance(value, tuple) else (value, {})
            file.create_dataset(name, data=values).attrs.update(attributes)
    return path


def packed(values, scale, offset=0.0):
    return np.rint((values - offset) / scale).astype(np.int16), {"scale_factor": scale, "add_offset": offset}


def test_packed_line_integrals_and_angles(tmp_path):
    path = written(tmp_path / "a.nc", {"sinogram": packed(LINES, 1e-4, 0.2), "angles": packed(ANGLES, 0.01)})
    problem = io.read_measurement(path)
    assert np.abs(problem.y[0, 0].numpy() - LINES[1]).max() < 1e-4
    assert problem.A.angles_deg == pytest.approx(ANGLES)
    notes = " ".join(io.load(path).notes)
    assert "'sinogram' is packed: times 0.0001, plus 0.2" in notes and "whole numbers" not in notes


def test_packed_counts_and_flats(tmp_path):
    counts = 1000.0 * np.exp(-LINES).transpose(1, 0, 2)
    arrays = {"data": packed(counts, 0.05), "data_white": packed(np.full((1, 3, 41), 1000.0), 0.05), "theta": ANGLES}
    path = written(tmp_path / "a.h5", {f"exchange/{name}": value for name, value in arrays.items()})
    assert np.abs(io.read_measurement(path).y[0, 0].numpy() - LINES[1]).max() < 1e-3


@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_values_that_stand_for_nothing(tmp_path, name, kind):
    values = np.rint(1e4 * LINES).astype(kind)
    values[1, 3, 7] = -999
    path = written(
        tmp_path / "a.h5", {"sinogram": (values, {name: kind(-999), "scale_factor": 1e-4}), "angles": ANGLES}
    )
    with pytest.raises(InputError, match=r"1 NaN or infinite value\(s\), the first at index \[3, 7\]"):
        io.read_measurement(path)
    assert np.abs(io.read_measurement(path, slice=0).y[0, 0].numpy() - LINES[0]).max() < 1e-4


@pytest.mark.parametrize(
    ("scale", "words"),
    [(0.0, "scale_factor = 0"), (np.nan, "no number"), ("much", "no number"), ([1, 2], "2 different")],
)
def test_impossible_factors(tmp_path, scale, words):
    path = written(tmp_path / "a.h5", {"sinogram": (LINES, {"scale_factor": scale}), "angles": ANGLES})
    with pytest.raises(InputError, match=words):
        io.read_measurement(path)


def test_other_factors_are_told(tmp_path):
    path = written(tmp_path / "a.h5", {"sinogram": (LINES, {"slope": 0.5}), "angles": ANGLES})
    assert any("slope = 0.5, which are not applied" in note for note in io.load(path).notes)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16])
def test_integers_that_overflowed(kind):
    angles = np.arange(60) * (9 if np.dtype(kind).itemsize == 1 else 1500)
    for unit in (None, "degrees"):
        found, note = to_degrees(angles.astype(kind), unit, "'angles'")
        assert found is None and "overflow" in note and "--angles" in note and "--angle-unit" in note
    assert to_degrees(angles[:13].astype(kind) // 9, None, "'angles'")[0] is not None


@pytest.mark.parametrize(
    "angles",
    [
        np.arange(720) % 256.0 * 1.5,
        np.r_[0:180.0, 0:180.0],
        np.mod(np.arange(400) * 111.246, 360),
        np.arange(1000) * 111.246,
        np.arange(3600) * 2.0,
        np.arange(1000) * 137.508,
        np.arange(-180, 180.0),
        np.tile(np.arange(0, 255.0, 2), 2),
        np.tile([0.0, 64.0, 128.0, 192.0], 5),
    ],
)
def test_usual_lists_are_not_doubted(angles):
    assert to_degrees(angles, None, "'angles'")[0] == pytest.approx(angles)


@pytest.mark.parametrize("angles", [np.r_[0:128.0, -128:0.0], np.r_[0:129.0, -127:0.0]])
def test_a_unit_that_is_given_settles_the_doubt(angles):
    assert to_degrees(angles, None, "'angles'", "degrees")[0] == pytest.approx(angles)


@pytest.mark.parametrize("angles", [np.arange(40) * 4500, np.arange(1800) * 100.0, np.arange(180) * 400.0])
def test_counts_of_a_motor(angles):
    for unit in (None, "degrees"):
        found, note = to_degrees(angles, unit, "'angles'")
        assert found is None and "motor" in note and "--angle-unit" in note
    assert to_degrees(angles, None, "'angles'", "degrees")[0] == pytest.approx(angles)
    assert to_degrees(angles, "millidegrees", "'angles'")[0] == pytest.approx(angles / 1000)


FLAT = 1000.0 + 10.0 * np.arange(41) + 30.0 * np.arange(3)[:, None]
LATER = 1.4 * FLAT
SHARE = (np.arange(30) + 1) / 31
COUNTS = ((1.0 + 0.4 * SHARE[:, None, None]) * FLAT * np.exp(-LINES.transpose(1, 0, 2))).astype(np.float32)


@pytest.mark.parametrize(
    "names",
    [
        ("data_white", "data_white_post"),
        ("flat_start", "flat_end"),
        ("flats_before_scan", "flats_after_scan"),
        ("pre_flat", "post_flat"),
        ("white_first", "white_last"),
    ],
)
def test_flats_before_and_after(tmp_path, names):
    fields = {f"exchange/{name}": field[None] for name, field in zip(names, (FLAT, LATER), strict=True)}
    path = written(tmp_path / "a.h5", {"exchange/data": COUNTS, "exchange/theta": ANGLES, **fields})
    problem = io.read_measurement(path)
    assert np.abs(problem.y[0, 0].numpy() - LINES[1]).max() < 1e-5
    assert any("interpolated linearly in time" in note for note in problem.notes)


def test_flats_by_the_clock(tmp_path):
    arrays = {"data": COUNTS, "theta": ANGLES, "data_white": np.stack([FLAT, FLAT, LATER, LATER])}
    arrays |= {"time_white": [0.0, 0.0, 31.0, 31.0], "time": np.arange(1, 31.0)}
    path = written(tmp_path / "a.h5", {f"exchange/{name}": value for name, value in arrays.items()})
    assert np.abs(io.read_measurement(path).y[0, 0].numpy() - LINES[1]).max() < 1e-5
    assert any("flats taken at 2 times" in note for note in io.load(path).notes)


def test_flats_at_no_time_that_differ_are_told(tmp_path):
    for fields in ({"data_white": np.stack([FLAT, LATER])}, {"flat1": FLAT[None], "flat2": LATER[None]}):
        arrays = {"data": COUNTS, "theta": ANGLES, **fields}
        path = written(tmp_path / "a.h5", {f"exchange/{name}": value for name, value in arrays.items()})
        assert any("33 %" in n and "mean is used" in n for n in io.read_measurement(path).notes)


def test_a_flat_under_another_name_is_told(tmp_path):
    path = written(tmp_path / "a.h5", {"sinogram": COUNTS[:, 1], "theta": ANGLES, "flat_of_monday": FLAT[None]})
    assert any("'flat_of_monday' looks like a flat field" in note for note in io.load(path).notes)


@pytest.mark.parametrize("scale", ["unknown", 0])
def test_faults_of_arrays_that_are_not_read_do_no_harm(tmp_path, scale):
    arrays = {"exchange/data": COUNTS, "exchange/theta": ANGLES, "exchange/data_white": FLAT[None]}
    path = written(tmp_path / "a.h5", arrays | {"monitor/temperature": (np.ones(30), {"scale_factor": scale})})
    assert io.read_measurement(path).y.shape[-1] == 41


def test_values_that_stand_for_nothing_are_told(tmp_path):
    values = np.rint(1e4 * LINES).astype(np.int16)
    values[1, 3, 7] = -999
    path = written(tmp_path / "a.h5", {"sinogram": (values, {"_FillValue": np.int16(-999)}), "angles": ANGLES})
    assert any("_FillValue, missing_value): -999, read as NaN" in note for note in io.load(path).notes)
    with pytest.raises(InputError, match="_FillValue"):
        io.read_measurement(path)


@pytest.mark.parametrize(("kind", "expected"), [("i2", "f8"), ("f4", "f4"), ("c8", "c8")])
def test_the_type_depends_on_the_declaration_alone(kind, expected):
    packing = packing_of({"_FillValue": -9}.get, "a")
    assert packing is not None
    for stored in ([1, 2], [1, -9]):
        values = packing.unpacked(np.array(stored, kind))
        assert values.dtype == expected
        np.testing.assert_array_equal(values, np.where(np.array(stored) == -9, np.nan, stored))


def test_a_double_stands_for_nothing_in_single_precision(tmp_path):
    values = LINES.astype(np.float32)
    values[1, 3, 7] = 1e20  # no double 1e20 is equal to it
    path = written(tmp_path / "a.h5", {"sinogram": (values, {"missing_value": 1e20}), "angles": ANGLES})
    with pytest.raises(InputError, match=r"1 NaN or infinite value\(s\), the first at index \[3, 7\]"):
        io.read_measurement(path)

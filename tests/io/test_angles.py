"""Angles from text files and from what a user types."""

from typing import Any

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io import read_angles
from napari_mlpatch.io.angles import resolve_angles, to_degrees


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0\n1.5\n3\n", [0, 1.5, 3]),
        ("0 1.5 3", [0, 1.5, 3]),
        ("0,1.5,\t3;4", [0, 1.5, 3, 4]),
        ("# a scan\n\n0  # first\n-90\n1e1\n", [0, -90, 10]),
        ("\ufeff0\r\n1\r\n", [0, 1]),
        ("radians\n0\n3.141592653589793", [0, 180]),
        ("# angles in radians\n0 3.141592653589793", [0, 180]),
        ("# radians converted to degrees\n0 3", [0, 3]),
        ("degrees\n1 2", [1, 2]),
        ("0,5\n2,5\n4,5\n", [0.5, 2.5, 4.5]),
        ("0,5;2,5;4,5", [0.5, 2.5, 4.5]),
        ("0,25 0,75 10", [0.25, 0.75, 10]),
        ("0,90", [0, 90]),
        ("0,0\n1,2\n2,4\n3,7\n", [0, 2, 4, 7]),  # an index and an angle
        ("0 0.0\n1 2.0\n2 4.0\n", [0, 2, 4]),
        ("1;0,5\n2;1,5\n3;2,5\n", [0.5, 1.5, 2.5]),
        ("Projection\tAngle\n0\t0.0\n1\t2.5\n", [0, 2.5]),
        ("angle,exposure\n10,3\n20,3\n", [10, 20]),
        ("% time theta_rad x\n5 0 1\n6 3.14159265 1\n", [0, 180]),
        ("p_0000.tif 0.5\np_0001.tif 1.5\n", [0.5, 1.5]),
        ("0 1 2\n3 4 5\n", [0, 1, 2, 3, 4, 5]),
        ("# theta [rad]\n0\n1\n", [0, 57.29577951308232]),
        ("0°\n90°\n", [0, 90]),
        ('"File","Angle (deg)"\n"p000.tif","0.0"\n"p 001.tif","1.5"\n', [0, 1.5]),
        ('"File";"Angle"\n"p;000.tif";"0,5"\n"p001.tif";"1,5"\n', [0.5, 1.5]),
        ("time [s],rotation angle [rad]\n0.0,0.0\n1.0,3.141592653589793\n", [0, 180]),
        ("time [s],rotation angle\n0.5,0.0\n1.0,90.0\n", [0, 90]),
        ("[0, 1.5,\n 3, 4.5]\n", [0, 1.5, 3, 4.5]),
        ("[\n0.5,\n1.5\n];", [0.5, 1.5]),
        ("\N{MINUS SIGN}10\n\N{MINUS SIGN}5.5\n0\n", [-10, -5.5, 0]),
        ("0.0D+00\n1.5d1\n-3.D+1\n", [0, 15, -30]),
        ("time [s]\trotation angle [mrad]\n0.0\t0.0\n1.0\t100.0\n", [0, 18 / np.pi]),
    ],
)
def test_text_files(tmp_path, text, expected):
    path = tmp_path / "angles.txt"
    path.write_text(text, encoding="utf-8")
    assert np.allclose(read_angles(path), expected)


def test_unit_given(tmp_path):
    path = tmp_path / "angles.txt"
    path.write_text("0 3.141592653589793")
    assert np.allclose(read_angles(path, unit="radians"), [0, 180])
    assert np.allclose(read_angles(path, unit="degrees"), [0, np.pi])
    with pytest.raises(InputError, match="degrees or radians, got 'turns'"):
        read_angles(path, unit="turns")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"0\n1\nhello\n", "line 3: 'hello' is not an angle"),
        (b"# nothing\n", "no angles"),
        (b"", "empty"),
        (b"0 1 nan 3", "1 of the 4 angles.*position 2"),
        (b"0 inf", "NaN or infinite"),
        (b"\xff\xfe\x00\xdc", "is no text file"),
        (b"1.2.3", "not an angle"),
        (b"0 7\n3 8\n5 9\n", "2 columns of numbers, and no title"),
        (b"0,0\n1,2\n2,4\n", "decimal comma, or an index and an angle"),
        (b"0 0.5 1 1.5 2 2.5 3", "cannot be told: they are round numbers.*Give angle_unit"),
        (b"# radiograph angles, radians\n0\n45\n90\n", "said to be in radians, but they are whole numbers beyond"),
        (b"# deg\n0 0.78539816 1.57079633 2.35619449", "said to be in degrees, but they close"),
    ],
)
def test_bad_text_files(tmp_path, content, words):
    path = tmp_path / "angles.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_angles(path)


def test_what_a_user_gives(tmp_path):
    path = tmp_path / "angles.txt"
    path.write_text("1 2 3")
    for given in (path, str(path), [1, 2, 3], np.array([1, 2, 3]), (1.0, 2, 3), "1, 2, 3", "1:4:3", range(1, 4)):
        assert np.allclose(resolve_angles(given), [1, 2, 3])


@pytest.mark.parametrize("given", [5, [], "nowhere.txt", "1:2", ["a"], [[1, 2], [3]], None, "", [1, np.nan], object()])
def test_what_a_user_should_not_give(given):
    with pytest.raises(InputError):
        resolve_angles(given)


def degrees(values, unit, asked=None) -> Any:
    return to_degrees(values, unit, "x", asked)[0]


def test_units():
    angles: Any
    radians = np.linspace(0, np.pi, 20)
    assert np.allclose(degrees(radians, "rad"), np.rad2deg(radians))
    angles, note = to_degrees(radians, None, "x")
    assert np.allclose(angles, np.rad2deg(radians)) and "assumed to be in radians" in note
    angles, note = to_degrees(np.arange(180), "", "x")
    assert np.allclose(angles, np.arange(180)) and "assumed to be in degrees" in note
    unclear, note = to_degrees(radians, "degree", "x")  # said to be degrees, but they close a half turn in radians
    assert unclear is None and "said to be in degrees" in note
    assert np.allclose(degrees(radians, "degree", "degrees"), radians)
    assert to_degrees(np.arange(180), "rad", "x")[0] is None


FACTORS = {  # degrees in each
    **{word: 0.18 / np.pi for word in ("mrad", "milliradian", "milliradians")},
    **{word: 1e-3 for word in ("mdeg", "millidegrees")},
    **{word: 0.9 for word in ("gon", "gradians")},
    **{word: 360.0 for word in ("rev", "turn", "turns", "revolutions")},
    **{"arcmin": 1 / 60, "arcsec": 1 / 3600, "µrad": 0.18e-3 / np.pi, "Deg": 1.0, "°": 1.0},
}


@pytest.mark.parametrize("word", FACTORS)
def test_other_units_are_converted(tmp_path, word):
    values = np.arange(20) * 2.5
    angles, note = to_degrees(values, word, "x")
    assert angles is not None
    assert np.allclose(angles, values * FACTORS[word]) and "as the file says" in note
    for text in (f"# angle [{word}]\n", f"# angles, unit: {word}\n"):
        (tmp_path / "a.txt").write_text(text + "\n".join(map(str, values)), encoding="utf-8")
        assert np.allclose(read_angles(tmp_path / "a.txt"), values * FACTORS[word])


@pytest.mark.parametrize("word", ["steps", "grad", "0.001 deg", "pi rad", "deg/10", "mrad or gon"])
def test_unknown_units_are_never_guessed(tmp_path, word):
    angles, note = to_degrees(np.arange(180), word, "x")
    assert angles is None and repr(word) in note and "angle_unit" in note
    assert np.array_equal(degrees(np.arange(180), word, "degrees"), np.arange(180))
    (tmp_path / "a.txt").write_text(f"# theta [{word}]\n0\n1\n2\n")
    with pytest.raises(InputError, match="that is stated is none of"):
        read_angles(tmp_path / "a.txt")


def test_angles_that_are_all_the_same(tmp_path):
    angles, note = to_degrees(np.zeros(90), "degrees", "theta of x")
    assert angles is None and "all 90 angles are 0" in note
    with pytest.raises(InputError, match="all 3 angles are 5"):
        resolve_angles([5, 5, 5])
    assert np.array_equal(resolve_angles([5]), [5])
    np.savez(tmp_path / "a.npz", sinogram=np.ones((90, 64)), theta=np.zeros(90))
    with pytest.raises(InputError, match="all 90 angles are 0"):
        io.read_measurement(tmp_path / "a.npz")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8", "utf-8-sig", "latin-1", "utf-32"])
def test_encodings_of_editors(tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "a.txt").write_bytes((mark + "# Winkel in °\r\n0\r\n1.5\r\n3\r\n").encode(encoding))
    assert np.allclose(read_angles(tmp_path / "a.txt"), [0, 1.5, 3])


def test_what_is_no_text_is_not_called_damaged(tmp_path):
    np.save(tmp_path / "s.npy", np.random.default_rng(0).normal(size=(9, 6)))
    with pytest.raises(InputError, match=r"s\.npy is no text file") as error:
        read_angles(tmp_path / "s.npy")
    assert "damaged" not in str(error.value)

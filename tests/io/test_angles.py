"""Angles from text files and from what a user types."""

import numpy as np
import pytest

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
        (b"\xff\xfe\x00\x81", "cannot be read"),
        (b"1.2.3", "not an angle"),
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


def test_units():
    radians = np.linspace(0, np.pi, 20)
    assert np.allclose(to_degrees(radians, "rad", "x")[0], np.rad2deg(radians))
    angles, note = to_degrees(radians, None, "x")
    assert np.allclose(angles, np.rad2deg(radians)) and "assumed to be in radians" in note
    angles, note = to_degrees(np.arange(180), "", "x")
    assert np.allclose(angles, np.arange(180)) and "assumed to be in degrees" in note
    assert np.allclose(to_degrees(radians, "degree", "x")[0], radians)

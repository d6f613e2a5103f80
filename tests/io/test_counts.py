"""Counts become line integrals; counts without a logarithm are told with number and place."""

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.build.counts import clip_note, field_of_slice, given_field, line_integrals


def test_the_formula():
    y = np.linspace(0, 3, 12).reshape(3, 4)
    flat, dark = np.array([900.0, 1000, 1100, 1200]), np.array([5.0, 6, 7, 8])
    assert np.allclose(line_integrals(dark + (flat - dark) * np.exp(-y), flat, dark), y, atol=1e-6)


def test_zero_and_negative_counts():
    counts = np.full((5, 6), 100.0)
    counts[2, 3], counts[4, 1] = 10, -3
    with pytest.raises(InputError, match=r"2 of 30 .*row 2, bin 3 \(value 0\).*clip_counts"):
        line_integrals(counts, 110.0, 10.0)
    y = line_integrals(counts, 110.0, 10.0, clip_counts=1)
    assert y[2, 3] == y[4, 1] == pytest.approx(np.log(100)) and np.isfinite(y).all()


def test_dead_pixels_of_the_flat():
    flat = np.full(6, 100.0)
    flat[4] = 0
    with pytest.raises(InputError, match=r"1 of 6 values of the flat field.*bin 4"):
        line_integrals(np.full((5, 6), 50.0), flat)
    assert np.isfinite(line_integrals(np.full((5, 6), 50.0), flat, clip_counts=1)).all()


def test_what_was_clipped_is_told():
    counts, flat = np.full((5, 6), 50.0), np.full(6, 100.0)
    assert clip_note(counts, flat, 10.0, 1.0) == clip_note(counts, flat, 10.0, None) == ""
    counts[2, 3], flat[4] = 8, 0
    assert clip_note(counts, flat, 10.0, 1.0).startswith("1 of 30 counts and 1 of 6 values of the flat field")


@pytest.mark.parametrize("clip", [0, -1, float("nan")])
def test_clip_must_be_positive(clip):
    with pytest.raises(InputError, match="must be positive"):
        line_integrals(np.ones((2, 2)), 1.0, clip_counts=clip)


def test_fields(tmp_path):
    frames = np.stack([np.full(8, 90.0), np.full(8, 110.0)]).astype(np.float32)
    np.save(tmp_path / "flat.npy", frames)
    for given in (100, 100.0, np.full(8, 100), frames, tmp_path / "flat.npy"):
        assert np.allclose(field_of_slice(given_field(given, "flat", 1, 8), 0, 8, "flat"), 100)
    stack = given_field(np.stack([frames] * 3, axis=1), "flat", 3, 8)
    assert np.allclose(field_of_slice(stack, 2, 8, "flat"), 100)


def test_one_frame_of_the_detector_is_not_averaged_over_its_rows():
    """Rows of a frame [slices, bins] are other pixels, rows of [frames, bins] are other times."""
    frame = np.arange(3.0)[:, None] * np.ones(8) + 1
    for given in (frame, frame[None], np.stack([frame, frame])):
        field = given_field(given, "flat", 3, 8)
        assert [float(np.max(field_of_slice(field, i, 8, "flat"))) for i in range(3)] == [1, 2, 3]
    with pytest.raises(InputError, match=r"shape \[2, 8\], which does not fit 3 slice"):
        given_field(frame[:2], "flat", 3, 8)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.ones(7), "7 bins but the detector has 8"),
        (np.full(8, np.nan), r"8 NaN or infinite value\(s\), the first at index \[0\]"),
        (np.ones((1, 1, 1, 1)), "has shape"),
        ("nowhere.npy", "does not exist"),
        ("text", "does not exist"),
        (np.array(["a"]), "Numbers are needed"),
    ],
)
def test_bad_fields(given, words):
    with pytest.raises(InputError, match=words):
        field_of_slice(given_field(given, "flat", 1, 8), 0, 8, "flat")

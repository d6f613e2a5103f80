"""What lies beside line integrals without being a field does not make counts of them, and a refusal names its cause."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import ANGLES, BINS, angles, sinogram, y_of

NOISY = sinogram() + np.random.default_rng(0).normal(0, 0.02, sinogram().shape).astype(np.float32)
LINES = NOISY[0]
POSITIVE = np.abs(NOISY[0]) + 0.01
COUNTS = 10 + 1000 * np.exp(-sinogram()[0])


def written(path, values=LINES, **more):
    with h5py.File(path, "w") as file:
        for name, array in {"sinogram": values, "angles": angles(), **more}.items():
            file[name] = array
    return path


def noted(path, words):
    return any(words in note for note in io.load(path).notes)


@pytest.mark.parametrize("values", [LINES, POSITIVE], ids=["noisy", "positive"])
@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("darkfield", np.full((ANGLES, BINS), 0.8), "'darkfield' [20, 32] is as large as the sinogram"),
        ("darkfield", np.full((1, ANGLES, BINS), 0.8), "is as large as the sinogram"),
        ("flat_corrected", LINES, "'flat_corrected' [20, 32] is as large as the sinogram"),
        ("whitened", LINES, "is as large as the sinogram"),
        ("brightfield", LINES, "is as large as the sinogram"),
        ("dark", np.zeros(BINS), "'dark' is zero everywhere: no dark field"),
        ("dark", 0.0, "'dark' is zero everywhere"),
        ("my_flat", np.zeros((4, BINS)), "'my_flat' is zero everywhere: no flat field"),
        ("dark", np.full((5, 7), 10.0), "'dark' [5, 7] does not fit 32 bins"),
        ("bright", 1.0, "'bright' is one number and is not used"),
        ("bright_field_pre", [1.0], "'bright_field_pre' is one number"),
    ],
)
def test_what_is_no_field(tmp_path, values, name, array, words):
    path = written(tmp_path / "a.h5", values, **{name: array})
    np.testing.assert_array_equal(y_of(io.read_measurement(path))[0, 0], values)
    assert noted(path, words) and io.load(path).missing == ()


@pytest.mark.parametrize("axis", [0, 1], ids=["slices first", "angles first"])
def test_of_stacks(tmp_path, axis):
    stack = np.moveaxis(NOISY, 0, axis)
    more = {"darkfield": 0.8 + 0 * stack, "flat_corrected": stack, "whitened": stack.take(0, axis)}
    path = written(tmp_path / "a.h5", stack, **more)
    np.testing.assert_array_equal(y_of(io.read_measurement(path, slice=1))[0, 0], NOISY[1])
    assert noted(path, "'whitened' [20, 32] is as large as the sinogram")


@pytest.mark.parametrize("more", [{"dark": np.full(BINS, 100.0)}, {"white_of_monday": np.full((4, BINS), 1e4)}])
def test_noise_below_zero_is_no_count(tmp_path, more):
    path = written(tmp_path / "a.h5", **more)
    np.testing.assert_array_equal(y_of(io.read_measurement(path))[0, 0], LINES)
    assert noted(path, "of the values are below zero, as no counts are")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"dark": np.full(BINS, 10.0)}, r"\('dark' \[32\] looks like a dark field, as counts have\)"),
        ({"dark": 10.0}, r"\('dark' \[\] looks like a dark field"),
        (
            {"dark": np.full((2, BINS), 10.0), "white_of_monday": np.full((4, BINS), 1010.0)},
            r"\('white_of_monday' \[4, 32\] looks like a flat field; 'dark' \[2, 32\] looks like a dark field",
        ),
    ],
)
def test_the_refusal_names_its_cause_and_the_way_out(tmp_path, more, words):
    path = written(tmp_path / "a.h5", COUNTS, **more)
    with pytest.raises(InputError, match=rf"needs the flat field.*{words}.*log=False \(--no-log\)"):
        io.read_measurement(path)
    np.testing.assert_allclose(y_of(io.read_measurement(path, flat=1010.0))[0, 0], sinogram()[0], atol=1e-5)
    assert float(io.read_measurement(path, log=False).y.max()) == pytest.approx(1010, abs=1)


def test_few_dead_pixels_and_whole_numbers_stay_counts(tmp_path):
    dead = COUNTS.copy()
    dead[:3, 5] = -1
    wrapped = np.where(COUNTS > 900, -500, COUNTS).astype(np.int16)  # as numbers without a sign read with one
    for k, values in enumerate((dead, wrapped)):
        path = written(tmp_path / f"{k}.h5", values, dark=np.full(BINS, 10.0))
        assert io.load(path).is_counts


@pytest.mark.parametrize("name", ["flat", "i0", "bright"])
def test_values_below_zero_under_a_flat_field_name_it(tmp_path, name):
    path = written(tmp_path / "a.h5", **{name: np.ones(BINS)})
    with pytest.raises(InputError, match=rf"of the detector counts are zero.*flat field '{name}'.*log=False") as told:
        io.read_measurement(path)
    assert "dark field" not in str(told.value)
    with pytest.raises(InputError, match="of the detector counts less the dark field are zero"):
        io.read_measurement(written(tmp_path / "b.h5", **{name: np.ones(BINS), "dark": np.full(BINS, 0.1)}))
    dead = np.where(np.arange(BINS) == 4, 0.0, 1010.0)
    with pytest.raises(InputError, match=rf"1 of 32 values of the flat field '{name}' are zero"):
        io.read_measurement(written(tmp_path / "c.h5", COUNTS, **{name: dead}))


def test_numbers_under_the_usual_names_stay_flat_fields(tmp_path):
    for name in ("flat", "i0"):
        path = written(tmp_path / f"{name}.h5", COUNTS - 10, **{name: 1000.0})
        np.testing.assert_allclose(y_of(io.read_measurement(path))[0, 0], sinogram()[0], atol=1e-5)


def test_sizes_of_a_frame_are_no_sinogram(tmp_path):
    """A stack of as many slices as angles: what is as large as a slice may be a frame of the detector."""
    many = np.repeat(COUNTS[None], ANGLES, axis=0)
    path = written(tmp_path / "a.h5", many, dark=np.full((ANGLES, BINS), 10.0))
    assert io.load(path).is_counts

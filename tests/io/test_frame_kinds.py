"""Image keys in words, angles of frames that are no projections, flats that drift, monitors."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import ANGLES, angles, sinogram
from .test_hdf5 import check, frames, write_nxtomo

WORDS = {
    "short": (b"proj", b"flat", b"dark"),
    "long": ("Projection", "white field", "dark_field"),
    "plural": ("samples", "open beam", "darks"),
    "digits": (b"0", b"1", b"2"),
}


@pytest.mark.parametrize("how", WORDS)
def test_image_keys_in_words(tmp_path, how):
    _, keys = frames()
    words = [WORDS[how][key] for key in keys]
    text = np.array(words) if isinstance(words[0], bytes) else np.array(words, dtype=object)
    check(io.load(write_nxtomo(tmp_path / "a.nxs", keys=text)))
    data, _ = frames()
    np.savez(tmp_path / "b.npz", data=data, image_key=np.array(words), theta=angles())
    check(io.load(tmp_path / "b.npz"), [1])


def test_unknown_words_are_refused(tmp_path):
    _, keys = frames()
    write_nxtomo(tmp_path / "a.nxs", keys=np.array([b"A", b"B", b"C"])[keys])
    with pytest.raises(InputError, match=r"'A', 'B', 'C' are not known. Write numbers: 0 \(projection\)"):
        io.load(tmp_path / "a.nxs")


def test_keys_that_are_not_whole_are_refused(tmp_path):
    _, keys = frames()
    write_nxtomo(tmp_path / "a.nxs", keys=np.where(np.arange(len(keys)) == 9, 0.5, keys))
    with pytest.raises(InputError, match=r"holds 0\.5\. Keys are whole"):
        io.load(tmp_path / "a.nxs")


def test_angles_of_flats_and_darks_may_be_nan(tmp_path):
    theta = np.concatenate([[np.nan] * 4, angles(), [np.inf] * 2])
    check(io.load(write_nxtomo(tmp_path / "a.nxs", theta=theta)))
    theta[6] = np.nan  # that of a projection
    with pytest.raises(InputError, match=f"1 of the {ANGLES} angles .* position 2"):
        io.load(write_nxtomo(tmp_path / "b.nxs", theta=theta))


def test_flats_at_several_times_are_interpolated(tmp_path):
    """A beam that changes piecewise linearly between three groups of flats, and not outside of them; darks averaged."""
    kinds = np.array([0, 2, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 2, 0])
    times = np.arange(len(kinds))
    beam = np.interp(times, [2, 6, 11], [800.0, 1000.0, 700.0])
    beam[5:8] = 1000.0  # three frames at frame 6 on average
    rng = np.random.default_rng(0)
    gain, dark = rng.uniform(0.8, 1.2, (2, 1, 16)), rng.uniform(5, 15, (2, 1, 16))
    y = rng.uniform(0, 2, (2, len(kinds), 16)) * (kinds == 0)[:, None]
    counts = dark + (beam[:, None] * gain * np.exp(-y)) * (kinds != 2)[:, None]
    counts[:, 1], counts[:, 12] = 0.8 * dark[:, 0], 1.2 * dark[:, 0]
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        detector = file.create_group("entry/instrument/detector")
        detector["data"], detector["image_key"] = counts.swapaxes(0, 1), kinds
        file["entry/sample/rotation_angle"] = np.linspace(0, 170, len(kinds))
    found = io.load(tmp_path / "a.nxs")
    assert any("flats taken at 3 times, interpolated linearly between them" in note for note in found.notes)
    for i in range(2):
        assert np.allclose(found.problem(slice=i).y[0, 0].numpy(), y[i][kinds == 0], atol=2e-6)


def test_drifting_flats_and_monitors_are_told(tmp_path):
    write_nxtomo(tmp_path / "a.nxs")
    with h5py.File(tmp_path / "a.nxs", "a") as file:
        file["entry/control/data"] = np.linspace(1, 2, ANGLES + 6)
    found = io.load(tmp_path / "a.nxs")
    assert any("'entry/control/data' looks like the beam's intensity" in note for note in found.notes)
    notes = found.problem(slice=0).notes  # 910 before, 1110 after the scan
    assert any("910 in frames 2 to 3, 1110 in frames 24 to 25): by 20 %; they are interpolated" in n for n in notes)
    counts = 1000 * np.exp(-sinogram().swapaxes(0, 1))
    flats = {
        f"flat_{when}": np.full((1, *counts.shape[1:]), level) for when, level in (("before", 900), ("after", 1100))
    }
    np.savez(tmp_path / "b.npz", projections=counts, theta=angles(), **flats)
    assert any(
        "900 in 'flat_before', 1100 in 'flat_after'" in note for note in io.read_measurement(tmp_path / "b.npz").notes
    )
    flats["flat_after"] = flats["flat_before"]
    np.savez(tmp_path / "c.npz", projections=counts, theta=angles(), **flats)
    assert not any("differ between" in note for note in io.read_measurement(tmp_path / "c.npz").notes)

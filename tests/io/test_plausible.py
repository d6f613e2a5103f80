"""Swapped axes and counts are told by a few sums; nothing is said of measurements that are right."""

import h5py
import numpy as np
import pytest
import tifffile

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.plausible import _percent, axes_of, bright_edges, brighter_ends, outshone, saturated

ANGLES = BINS = 48


def discs(angles=ANGLES, bins=BINS):
    """Line integrals of two discs, ``[angles, bins]``: their sum over the bins does not depend on the angle."""
    theta = np.arange(angles) * np.pi / angles
    s = np.arange(bins) - (bins - 1) / 2
    sinogram = np.zeros((angles, bins))
    for value, radius, x in ((0.05, 10.0, 4.0), (0.1, 5.0, -8.0)):
        offset = s - x * np.cos(theta)[:, None]
        sinogram += 2 * value * np.sqrt(np.maximum(radius**2 - offset**2, 0))
    return sinogram.astype(np.float32)


def pixels(path, **options):
    problem = io.read_measurement(path, **options)
    return problem.y[0, 0].numpy(), problem


def test_a_square_sinogram_that_lies_on_its_side_is_turned(tmp_path):
    for name, save in (("a.npy", np.save), ("a.tif", tifffile.imwrite)):
        save(tmp_path / name, discs().T)
        found = io.load(tmp_path / name)
        assert any("angles must run along the columns" in note for note in found.notes)
        y, problem = pixels(tmp_path / name, angles_deg=f"0:180:{ANGLES}")
        assert np.allclose(y, discs())
        assert np.array_equal(io.open_source(problem.source).y, problem.y)
        kept, _ = pixels(tmp_path / name, angles_deg=f"0:180:{ANGLES}", angle_axis="rows")
        assert np.allclose(kept, discs().T)
        noted = io.load(tmp_path / name, angle_axis="rows").notes
        assert any("are axes swapped" in note for note in noted)


def test_how_a_file_is_compressed_turns_nothing(tmp_path):
    """Pieces that hold many slices cost more to look at, and are looked at all the same."""
    stack = np.stack([discs().T] * 12)
    seen = []
    for name, how in (("plain", {}), ("deep", {"chunks": (12, 16, 16), "compression": "gzip"})):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.create_dataset("sinograms", data=stack, **how)
        found = io.load(tmp_path / f"{name}.h5")
        seen.append((found.data.shape, found.notes))
        assert any("angles must run along the columns" in note for note in found.notes)
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "array",
    [
        discs(),
        discs()[:, 14:34],  # an object wider than the detector
        np.tile(np.linspace(1, 2, ANGLES)[:, None], (1, BINS)),  # a wide even object, thicker from one side
        discs() + 0.05 * np.random.default_rng(0).standard_normal((ANGLES, BINS)).astype(np.float32),
        np.ones((ANGLES, BINS)),
        np.zeros((ANGLES, BINS)),
    ],
)
def test_others_are_left_alone(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    y, _ = pixels(tmp_path / "a.npy", angles_deg=f"0:180:{ANGLES}")
    assert np.allclose(y, array)
    assert not any("sums" in note for note in io.load(tmp_path / "a.npy").notes)


def test_counts_on_their_side_are_seen_too():
    assert axes_of(1e4 * np.exp(-discs().T)).swapped and not axes_of(1e4 * np.exp(-discs())).swapped


def test_a_stack_of_projections_is_told_by_the_number_of_angles(tmp_path):
    stack = np.stack([discs(40), 2 * discs(40), 3 * discs(40)])
    np.save(tmp_path / "a.npy", stack.swapaxes(0, 1))  # [angles, slices, bins]
    y, problem = pixels(tmp_path / "a.npy", angles_deg="0:180:40")
    assert np.allclose(y, stack[1]) and problem.source["options"]["angle_axis"] == "pages"


def test_slices_behind_the_pictures(tmp_path):
    stack = np.stack([k * discs(40) for k in range(1, 5)], axis=-1)  # [angles, bins, slices]
    np.save(tmp_path / "a.npy", stack)
    for index in (0, 3):
        y, _ = pixels(tmp_path / "a.npy", angles_deg="0:180:40", slice=index)
        assert np.array_equal(y, stack[..., index])
    assert any("taken as slices" in note for note in io.load(tmp_path / "a.npy").notes)
    turned = stack.swapaxes(0, 1)  # [bins, angles, slices]
    np.savez(tmp_path / "b.npz", sino=turned, theta=np.arange(40) * 4.5)
    assert np.array_equal(io.read_measurement(tmp_path / "b.npz", slice="all").y[2, 0].numpy(), stack[..., 2])
    np.save(tmp_path / "c.npy", turned)
    y, problem = pixels(tmp_path / "c.npy", angles_deg="0:180:40", slice=2)
    assert np.array_equal(y, stack[..., 2]) and np.array_equal(io.open_source(problem.source).y, problem.y)


@pytest.mark.parametrize("level", [1.0, 20000.0])
def test_counts_are_never_taken_for_line_integrals_silently(tmp_path, level):
    np.save(tmp_path / "a.npy", level * np.exp(-discs()).astype(np.float32))
    options = {"angles_deg": f"0:180:{ANGLES}"}
    with pytest.raises(InputError, match=r"at both ends of the detector.*flat.*log=False"):
        pixels(tmp_path / "a.npy", **options)
    y, problem = pixels(tmp_path / "a.npy", flat=level, **options)
    assert np.allclose(y, discs(), atol=1e-4) and any("logarithm" in note for note in problem.notes)
    y, _ = pixels(tmp_path / "a.npy", log=False, **options)
    assert y.max() == pytest.approx(level)


def test_transmissions_need_no_flat_field(tmp_path):
    np.save(tmp_path / "a.npy", np.exp(-discs()))
    y, problem = pixels(tmp_path / "a.npy", log=True, angles_deg=f"0:180:{ANGLES}")
    assert np.allclose(y, discs(), atol=1e-6) and any("flat field of 1" in note for note in problem.notes)


def test_noisy_counts_are_seen():
    counts = np.random.default_rng(0).poisson(200 * np.exp(-discs())).astype(np.float32)
    assert bright_edges(counts) == pytest.approx(200, rel=0.05)


@pytest.mark.parametrize("array", [discs(), 1 + discs(), -discs(), np.zeros((40, 40)), np.ones((40, 40))])
def test_line_integrals_are_no_counts(array):
    assert bright_edges(array) == 0


def test_a_few_negative_samples_hide_no_counts():
    counts = 3000 * np.exp(-discs())
    counts[np.arange(20), np.arange(20)] = -1
    assert bright_edges(counts) == pytest.approx(3000, rel=0.01)


def test_a_changed_sign_is_told(tmp_path):
    np.save(tmp_path / "a.npy", -discs())
    _, problem = pixels(tmp_path / "a.npy", angles_deg=f"0:180:{ANGLES}")
    assert any("of the values are negative" in note for note in problem.notes)
    noisy = discs() + np.random.default_rng(0).normal(0, 0.1, (ANGLES, BINS)).astype(np.float32)
    np.save(tmp_path / "b.npy", noisy)
    _, problem = pixels(tmp_path / "b.npy", angles_deg=f"0:180:{ANGLES}")
    assert not any("of the values are negative" in note for note in problem.notes)


@pytest.mark.parametrize(("share", "text"), [(1.1, "110 %"), (12.34, "1200 %"), (0.00041, "0.041 %"), (0.0, "0 %")])
def test_shares_in_words(share, text):
    assert _percent(share) == text


def test_views_of_zeros_and_axes_of_one_length_are_told(tmp_path):
    array = discs()
    array[[3, 9]] = 0
    np.save(tmp_path / "a.npy", array)
    _, problem = pixels(tmp_path / "a.npy", angles_deg=f"0:180:{ANGLES}")
    assert any(f"2 of {ANGLES} views are zero everywhere" in n and ": 3, 9;" in n for n in problem.notes)
    np.savez(tmp_path / "b.npz", data=np.ones((20, 20, 32), np.float32), theta=np.arange(20) * 9.0)
    assert any("2 axes of [20, 20, 32] have 20 entries" in note for note in io.load(tmp_path / "b.npz").notes)


def test_saturated_counts_are_told():
    counts = np.random.default_rng(0).poisson(900.0, (30, 40)).astype(np.float32)
    assert saturated(counts) == ""
    assert "the largest: saturated?" in saturated(np.minimum(counts, 920.0))
    assert saturated(np.minimum(counts, 3.0)) == "" and saturated(np.full((3, 4), 500.0)) == ""


def test_values_that_are_larger_at_the_ends_are_told():
    """Counts with any flat field, while a disc's line integrals are not, cut off or not."""
    s = np.arange(40) - 19.5
    beam = 1000.0 * (1.0 + 0.3 * np.sin(s / 5.0))
    for radius in (15.0, 30.0):
        lines = np.broadcast_to(2.0 * np.sqrt(np.maximum(radius**2 - s**2, 0.0)), (30, 40))
        assert brighter_ends(lines) == "" == brighter_ends(lines + 1.0)
        told = brighter_ends(beam * np.exp(-lines / 15.0))
        assert "give the flat field" in told or radius > 20


def test_how_much_brighter_than_the_flat_field_is_said_of_those_that_are():
    """Of 100 counts 60 are brighter than the flat field, 30 of them 4 times or more; 40 are behind the object."""
    times = np.repeat([0.5, 2.0, 4.0], [40, 30, 30])
    told = outshone(-np.log(times).reshape(10, 10))
    assert told.startswith("60 % of the counts are larger than the flat field, half of them ")
    (middle,) = (float(word) for word in told.split() if word.replace(".", "").isdigit() and word != "60")
    shining = times[times > 1]
    assert np.mean(shining >= middle) == 0.5 and 2 < middle < 4
    assert not outshone(-np.log(np.repeat([0.5, 2.0], 50)))

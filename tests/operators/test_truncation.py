"""Objects wider than the detector, and half acquisition: disks and ellipses in closed form."""

import numpy as np
import pytest
import torch

from napari_mlpatch.operators import FanBeam, ParallelBeam

DISK = [(1.0, 0.0, 0.0, 60.0, 60.0)]
HEAD = [(1.0, 3.0, -4.0, 62.0, 50.0), (0.4, 12.0, 6.0, 9.0, 13.0), (-0.5, -14.0, 2.0, 7.0, 10.0)]


def parallel(bins=80, angles="0:180:180", size=80, **change):
    return ParallelBeam(image_shape=(size, size), angles_deg=angles, detector_count=bins, **change)


def fan(bins=80, angles="0:360:360", size=80, **change):
    return FanBeam(
        image_shape=(size, size),
        angles_deg=angles,
        detector_count=bins,
        source_to_axis=300.0,
        source_to_detector=300.0,
        **change,
    )


def sinogram(A, ellipses):
    """Each ellipse is (value, x, row, half axis along x, along rows); bins are means of four rays."""
    bins = (np.arange(A.detector_count)[:, None] + (np.arange(4) + 0.5) / 4 - 0.5 - A.axis_bin) * A.detector_pitch
    theta, s = np.radians(A.angles_deg)[:, None, None], bins
    if isinstance(A, FanBeam):
        gamma = np.arctan(bins / A.source_to_detector)
        theta, s = theta - gamma, A.source_to_axis * np.sin(gamma)
    y = 0.0
    for value, x, row, a, b in ellipses:
        width = (a * np.cos(theta)) ** 2 + (b * np.sin(theta)) ** 2
        offset = s - (x * np.cos(theta) - row * np.sin(theta))
        y = y + 2 * value * a * b * np.sqrt(np.maximum(width - offset**2, 0)) / width
    return torch.tensor(np.asarray(y)).mean(-1)[None, None]


def drawn(A, ellipses):
    r, c = (np.arange(n) - (n - 1) / 2 for n in A.image_shape)
    inside = [v * (((c[None] - x) / a) ** 2 + ((r[:, None] - row) / b) ** 2 <= 1) for v, x, row, a, b in ellipses]
    return np.sum(inside, axis=0)


def radius(A):
    r, c = (np.arange(n) - (n - 1) / 2 for n in A.image_shape)
    return np.hypot(r[:, None], c[None])


@pytest.mark.parametrize("A", [parallel(), fan()], ids=["parallel", "fan"])
def test_a_disk_wider_than_the_detector(A):
    y = sinogram(A, DISK)
    seen = radius(A) < 37
    assert A.fbp(y, padding="zero")[0, 0].numpy()[seen].max() > 1.8  # what this is about
    picture = A.fbp(y)[0, 0].numpy()
    assert np.abs(picture[seen] - 1).max() < (0.02 if isinstance(A, ParallelBeam) else 0.04)
    assert torch.equal(A.fbp(y), A.pinv(y))
    (remark,) = A.remarks(y)
    assert "wider than the detector" in remark
    assert 118 <= int(remark.split(" pixels")[0].split()[-1]) <= 124  # the disk is 120 wide


def test_details_are_right_up_to_a_slow_offset():
    A = parallel()
    picture, truth = A.fbp(sinogram(A, HEAD), "hann")[0, 0].numpy(), drawn(A, HEAD)
    error = (picture - truth)[radius(A) < 36]
    assert abs(np.median(error)) < 0.1 and np.percentile(np.abs(error - np.median(error)), 80) < 0.05


@pytest.mark.parametrize("noise", [0.0, 1.0, 5.0])
def test_rows_that_end_in_air_are_left_alone(noise):
    A = parallel(bins=130)
    y = sinogram(A, DISK)
    y = y + noise * torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    assert torch.equal(A.fbp(y), A.fbp(y, padding="zero")) and A.remarks(y) == ()


@pytest.mark.parametrize("noise", [1.0, 10.0])
def test_found_in_noise(noise):
    A = parallel()
    y = sinogram(A, DISK)
    assert A.remarks(y + noise * torch.randn(y.shape, generator=torch.Generator().manual_seed(0)))


def test_each_item_of_a_batch_by_itself():
    A = parallel()
    wide, narrow = sinogram(A, DISK), sinogram(A, [(1.0, 0.0, 0.0, 20.0, 20.0)])
    both = A.fbp(torch.cat([wide, 1e-4 * narrow]))
    assert (both[:1] - A.fbp(wide)).abs().max() < 1e-12 and (both[1:] - 1e-4 * A.fbp(narrow)).abs().max() < 1e-12


def test_a_little_too_wide_changes_a_little():
    """As the object grows past the detector's ends, the continuation fades in."""
    A = parallel()
    centres = [
        float(A.fbp(sinogram(A, [(1.0, 0.0, 0.0, r, r)]))[0, 0, 38:42, 38:42].mean())
        for r in (39.9, 40.01, 40.02, 40.05, 40.1, 40.2, 41, 44, 50)
    ]
    assert centres == pytest.approx([1.0] * 9, abs=0.015)


# ---- half acquisition -------------------------------------------------------------------------------------------

TURNS = {
    "full": "0:360:360",
    "closed": tuple(np.linspace(0, 360, 361)),
    "odd": "0:360:361",
    "single precision": tuple(np.degrees(np.linspace(0, 2 * np.pi, 361).astype(np.float32).astype(float))),
    "random": tuple(np.random.default_rng(0).uniform(0, 360, 500)),
}


@pytest.mark.parametrize("center", [8.0, 20.0, 69.4])
@pytest.mark.parametrize("turn", TURNS)
def test_half_acquisition(turn, center):
    A = parallel(bins=90, angles=TURNS[turn], size=140, center=center)
    y = sinogram(A, [(1.0, 2.0, -3.0, 60.0, 60.0)])
    picture = A.fbp(y, "hann")[0, 0].numpy()
    r, c = (np.arange(140) - 69.5 for _ in range(2))
    distance = np.hypot(c[None] - 2, r[:, None] + 3)
    inside = picture[distance < 55]
    assert inside.mean() == pytest.approx(1, abs=0.005) and np.abs(inside - 1).max() < 0.12
    assert np.abs(picture[(distance > 63) & (radius(A) < 65)]).mean() < 0.03
    assert A.remarks(y) == ()


def test_half_fan():
    A = fan(bins=90, size=140, center=14.2)
    y = sinogram(A, [(1.0, 2.0, -3.0, 60.0, 60.0)])
    picture = A.fbp(y, "hann")[0, 0].numpy()
    assert picture[radius(A) < 50] == pytest.approx(1, abs=0.03) and A.remarks(y) == ()


def test_half_a_turn_is_seen_once():
    """An axis off the middle takes nothing from the rays that no other view sees."""
    A = parallel(bins=120, size=90, center=48.0)
    picture = A.fbp(sinogram(A, [(1.0, 0.0, 0.0, 44.0, 44.0)]), "hann")[0, 0].numpy()
    assert picture[radius(A) < 40] == pytest.approx(1, abs=0.02)


def test_a_fan_keeps_a_few_longer_detectors_and_counts_their_tables():
    A = FanBeam((24, 24), "0:360:30", 24, 200, 300, detector_pitch=1.5)
    alone = A.memory_bytes()
    for bins in (3, 6, 9, 12, 3):
        A._wider(bins)
    assert list(A._wide) == [9, 12, 3]
    assert A.memory_bytes() == alone + sum(wide.memory_bytes() for wide in A._wide.values())
    assert set(map(id, A._wide.values())) <= set(map(id, A._keepers)), "they leave a GPU with it"

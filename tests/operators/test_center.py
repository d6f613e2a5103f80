"""The centre of rotation, on sinograms of ellipses computed here from their formula, and on the measured tooth."""

import numpy as np
import pytest
import torch

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators import ParallelBeam
from napari_mlpatch.operators.center import find_center


def ellipse_sinogram(ellipses, angles_deg, bins, center):
    """Sum of ellipses (value, x, row, a, b, tilt) in bins from the axis, each bin the mean of four rays."""
    theta = np.deg2rad(angles_deg)[:, None, None]
    s = np.arange(bins)[:, None] + (np.arange(4) + 0.5) / 4 - 0.5 - center
    y = np.zeros((len(angles_deg), bins, 4))
    for value, x, row, a, b, tilt in ellipses:
        phi = theta - np.deg2rad(tilt)
        width2 = (a * np.cos(phi)) ** 2 + (b * np.sin(phi)) ** 2
        offset = s - (x * np.cos(theta) - row * np.sin(theta))
        y += 2 * value * a * b * np.sqrt(np.maximum(width2 - offset**2, 0)) / width2
    return y.mean(-1)


def phantom(radius, seed=0):
    rng = np.random.default_rng(seed)
    ellipses = [(1.0, 0, 0, 0.7 * radius, 0.9 * radius, 10.0)]
    for _ in range(10):
        r, t = 0.6 * radius * np.sqrt(rng.random()), 2 * np.pi * rng.random()
        a, b = radius * rng.uniform(0.03, 0.15, 2)
        ellipses.append((rng.uniform(-0.5, 0.8), r * np.cos(t), r * np.sin(t), a, b, rng.uniform(0, 180)))
    return ellipses


def scan(angles, bins, center, noise=0.02, seed=0, fill=0.95):
    """A noisy sinogram of an object that just fits on the detector."""
    y = ellipse_sinogram(phantom(fill * min(center, bins - 1 - center), seed), angles, bins, center)
    return y + noise * y.max() * np.random.default_rng(seed).normal(size=y.shape)


SCANS = {
    "180": np.arange(180.0),
    "180 with both ends": np.linspace(0, 180, 181),
    "175": np.arange(0, 175.0),
    "200": np.arange(0, 200.0),
    "230": np.arange(0, 230.0),
    "360": np.arange(0, 360.0),
    "360 with both ends": np.linspace(0, 360, 361),
    "60 angles": np.arange(0, 180, 3.0),
    "backwards": np.arange(90.0, -90, -1),
    "from 50": np.arange(50.0, 230),
    "golden": np.mod(np.arange(300) * 111.246, 180),
    "golden, whole turns": np.arange(400) * 111.246,
    "two turns": np.arange(0, 720, 2.0),
    "uneven step": np.arange(0, 180, 1.7),
}


@pytest.mark.parametrize("center", [127.5, 118.3, 160.25, 60.6, 208.1])
@pytest.mark.parametrize("name", SCANS)
def test_a_quarter_of_a_bin(name, center):
    found = find_center(scan(SCANS[name], 256, center), SCANS[name])
    assert abs(found.value - center) <= 0.25
    assert found.uncertainty < 0.5
    assert abs(found.value - center) <= 6 * found.uncertainty + 0.05


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("center", [319.5, 97.1])
def test_full_size(center, seed):
    y = scan(SCANS["180"], 640, center, seed=seed)
    found = find_center(y, SCANS["180"])
    assert abs(found.value - center) <= 0.25


@pytest.mark.parametrize("disturbance", ["offset", "rings", "drift", "gain"])
def test_disturbed_measurements(disturbance):
    rng = np.random.default_rng(1)
    y = scan(SCANS["180"], 256, 140.3, noise=0.01)
    if disturbance == "offset":
        y = y + 0.1 * y.max()
    elif disturbance == "rings":
        y = y * (1 + 0.01 * rng.normal(size=256))
    elif disturbance == "drift":
        y = y + 0.02 * y.max() * np.linspace(0, 1, 180)[:, None]
    else:
        y = y * (1 + 0.01 * rng.normal(size=(180, 1)))
    assert abs(find_center(y, SCANS["180"]).value - 140.3) <= 0.25


def test_an_object_wider_than_the_detector():
    y = scan(SCANS["180"], 256, 150.3, noise=0.01, fill=1.15)
    assert abs(find_center(y, SCANS["180"]).value - 150.3) <= 0.5


@pytest.mark.parametrize("slice", [0, 1])
def test_the_measured_tooth(slice):
    problem = io.samples.problem("tooth", slice=slice, center=None)
    found = find_center(problem.y[0, 0].numpy(), problem.A.angles_deg)
    assert abs(found.value - 296) <= 0.7


def half_acquisition(center, angles, seed=0, noise=0.01, bins=128):
    """An object that reaches from the axis nearly to the far end of the detector, and beyond the near one."""
    y = ellipse_sinogram(phantom(0.95 * max(center, bins - 1 - center), seed), angles, bins, center)
    return y + noise * y.max() * np.random.default_rng(seed).normal(size=y.shape)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("center", [6.0, 14.3, 40.0, 115.4])
def test_half_acquisition(center, seed):
    found = find_center(half_acquisition(center, SCANS["360"], seed), SCANS["360"])
    assert found.method == "overlap"
    assert abs(found.value - center) <= min(1.0, 4 * found.uncertainty)


def in_air(center, seed=0, bins=140, fill=0.8):
    """Without noise, of an object that ends in air at the far end of the detector."""
    return ellipse_sinogram(phantom(fill * max(center, bins - 1 - center), seed), SCANS["360"], bins, center)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fill", [0.6, 0.8])
@pytest.mark.parametrize("center", [6.0, 15.0, 124.3])
def test_air_is_no_evidence(center, fill, seed):
    """Neither where both rows are exactly flat, nor with next to no noise or counts rounded there."""
    y = in_air(center, seed, fill=fill)
    counts = np.round(20000 * np.exp(-y * 4 / y.max()))
    noise = np.random.default_rng(seed).normal(size=y.shape)
    for data in (y, y + 1e-6 * noise, y + 1e-2 * noise, -np.log(counts / 20000)):
        found = find_center(data, SCANS["360"])
        assert abs(found.value - center) < 0.05 and found.uncertainty < 0.1


def test_air_in_our_own_projections():
    A = ParallelBeam(image_shape=(200, 200), angles_deg="0:360:360", detector_count=140, center=15.0)
    r, c = np.mgrid[:200, :200] - 99.5
    x = (np.hypot(r, c) < 98) + 0.5 * (np.hypot(r - 20, c - 30) < 12) - 0.3 * (np.hypot(r + 30, c + 10) < 17)
    found = find_center(A(torch.tensor(x)[None, None])[0, 0].numpy(), A.angles_deg)
    assert found.method == "overlap" and abs(found.value - 15) < 0.05 and found.uncertainty < 0.1


@pytest.mark.parametrize("center", [6.0, 12.0, 20.0, 115.0])
@pytest.mark.parametrize("angles", ["180", "180 with both ends", "175"])
def test_cut_off_at_one_side(angles, center):
    """Half a turn does not tell the centre then: it is refused, or its uncertainty says so."""
    y = half_acquisition(center, SCANS[angles])
    try:
        found = find_center(y, SCANS[angles])
    except InputError as error:
        assert "cut off at one side" in str(error) and "try-strip" in str(error)
    else:
        assert abs(found.value - center) <= 4 * found.uncertainty


@pytest.mark.parametrize(
    "angles", [np.arange(0, 175.0), np.arange(0, 172.0), np.arange(3, 176.0), np.arange(0, 178, 2.0)]
)
def test_three_standard_deviations(angles):
    for seed in range(6):
        center = (118.3, 127.5, 140.0)[seed % 3]
        found = find_center(scan(angles, 256, center, seed=seed), angles)
        assert abs(found.value - center) <= 3 * found.uncertainty


def test_methods_are_named():
    assert find_center(scan(SCANS["180"], 128, 63.5), SCANS["180"]).method == "double-wedge"
    assert find_center(scan(SCANS["360"], 128, 63.5), SCANS["360"]).method == "opposite-rows"


def test_search_is_bounded():
    y = scan(SCANS["180"], 128, 50.2)
    assert 60 <= find_center(y, SCANS["180"], search=(60, 80)).value <= 80
    assert abs(find_center(y, SCANS["180"], search=(40, 60)).value - 50.2) < 0.25


CLOSE = [(15.1, 15.4), (15.05, 15.06), (14.9, 15.15), (15.2, 15.3)]


@pytest.mark.parametrize("offset", [0.0, 0.13, 45.0])
@pytest.mark.parametrize("bounds", CLOSE)
@pytest.mark.parametrize("method", ["overlap", "opposite-rows", "double-wedge"])
def test_close_bounds(method, bounds, offset):
    """Between two candidates, too: the right centre if it is within them, else the nearer bound."""
    low, high = (b + offset for b in bounds)
    for center in (15.22 + offset, low - 0.2, high + 0.2):
        if method == "overlap":
            y, angles = in_air(center, fill=0.95), SCANS["360"]
        else:
            angles = SCANS["360" if method == "opposite-rows" else "180"]
            y = ellipse_sinogram(phantom(0.9 * min(center, 139 - center)), angles, 140, center)
        found = find_center(y, angles, search=(low, high))
        assert found.method == method and low <= found.value <= high
        assert abs(found.value - np.clip(center, low, high)) < 0.05


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_search_in_air_is_uncertain(noise):
    y = in_air(15.0, fill=0.6)
    y = y + noise * np.random.default_rng(0).normal(size=y.shape)
    assert find_center(y, SCANS["360"], search=(118, 133)).uncertainty > 2


@pytest.mark.parametrize("bins", [8, 10, 11, 14])
def test_few_bins_of_an_object_cut_off(bins):
    y = ellipse_sinogram([(1.0, 0, 0, 0.9 * bins, 0.7 * bins, 0.0)], SCANS["360"], bins, 1.0)
    if bins >= 11:
        assert find_center(y, SCANS["360"]).method == "overlap"
        return
    with pytest.raises(InputError, match=f"{bins} bins are too few"):
        find_center(y, SCANS["360"])


@pytest.mark.parametrize("bounds", [(0, 3), (0, 0.1), (136.0, 139.0)])
def test_bounds_where_opposite_views_hardly_overlap(bounds):
    with pytest.raises(InputError, match=r"overlap too little there. Bounds between 5 and 134"):
        find_center(in_air(15.0), SCANS["360"], search=bounds)
    y = scan(SCANS["360"], 140, 63.5)
    assert bounds[0] <= find_center(y, SCANS["360"], search=bounds).value <= bounds[1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("angles", ["180", "360"])
def test_noise_alone_is_uncertain(angles, seed):
    y = np.random.default_rng(seed).normal(size=(len(SCANS[angles]), 128))
    assert find_center(y, SCANS[angles]).uncertainty > 2


ROWS = np.ones((180, 64)) + np.arange(64)


@pytest.mark.parametrize(
    ("y", "angles", "options", "words"),
    [
        (ROWS[:90], np.arange(90.0), {}, "cover 90 degrees"),
        (ROWS[:160], np.arange(160.0), {}, "try-strip"),
        (ROWS[:120], np.r_[0:60, 120:180.0], {}, "gaps of up to 61"),
        (ROWS, np.arange(90.0), {}, "180 rows but there are 90 angles"),
        (ROWS[:4], np.arange(0, 180, 45.0), {}, "4 angles are too few"),
        (ROWS[:, :4], np.arange(180.0), {}, r"8 bins or more, got \(180, 4\)"),
        (np.full((180, 64), 3.0), np.arange(180.0), {}, "constant"),
        (np.full((180, 64), np.nan), np.arange(180.0), {}, "NaN"),
        (ROWS, np.full(180, 7.0), {}, "cover"),
        (ROWS, np.arange(180.0), {"search": (50, 20)}, "increasing pair"),
        (ROWS, np.arange(180.0), {"search": (0, 64)}, "0 to 63"),
    ],
)
def test_bad_input(y, angles, options, words):
    with pytest.raises(InputError, match=words):
        find_center(y, angles, **options)


@pytest.mark.parametrize("count", [9, 12, 20])
def test_few_views_of_an_object_cut_off_are_uncertain(count):
    """Half a turn of it tells the centre only as well as its first and last view are opposite."""
    angles, wrong = np.arange(count) * 180.0 / count, 0
    for seed in range(6):
        center = (26.3, 38.0, 44.9, 90.2, 99.5, 105.1)[seed]
        y = half_acquisition(center, angles, seed, noise=0.005)
        try:
            found = find_center(y, angles)
        except InputError:
            continue
        wrong += abs(found.value - center) > 0.5
        assert abs(found.value - center) <= max(0.5, 3 * found.uncertainty)
        assert found.uncertainty > 0.5 and "do not tell it" in found.note
    assert wrong, "these are cases that go wrong"


@pytest.mark.parametrize(("count", "span"), [(8, 180), (12, 180), (8, 360), (25, 360), (45, 360)])
def test_few_or_odd_views_are_uncertain(count, span):
    for seed in range(6):
        angles = np.arange(count) * span / count
        y = scan(angles, 128, 60.0 + 1.3 * seed, noise=0.05, seed=seed)
        half = half_acquisition(10.0 + seed, angles, seed) if count in (25, 45) else y
        for data, center in ((y, 60.0 + 1.3 * seed), (half, 10.0 + seed if half is not y else 60.0 + 1.3 * seed)):
            found = find_center(data, angles)
            assert abs(found.value - center) <= max(0.5, 3 * found.uncertainty)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("missing", [4.0, 7.0, 9.5])
def test_three_standard_deviations_of_half_a_turn_with_a_hole(missing, seed):
    """Discs in closed form: what is filled in moves the centre, by up to a bin, without any frequency telling."""
    rng = np.random.default_rng(seed)
    bins, angles = 100, np.arange(0.0, 180.0 - missing, 1.25)
    center = 49.5 + rng.uniform(-10, 10)
    s, theta = np.arange(bins) - center, np.radians(angles)[:, None]
    y = rng.normal(scale=0.1, size=(len(angles), bins))
    for _ in range(4):
        radius, turn = rng.uniform(3, 10), rng.uniform(0, 2 * np.pi)
        y += 2.0 * np.sqrt(np.maximum(radius**2 - (s - rng.uniform(0, 24) * np.cos(theta + turn)) ** 2, 0.0))
    found = find_center(y, angles)
    assert abs(found.value - center) < 3.0 * found.uncertainty < 1.5

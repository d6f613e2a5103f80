"""Rays that no view measures are told, and no others."""

import numpy as np
import pytest
import torch

from napari_mlpatch.operators import FanBeam, ParallelBeam
from napari_mlpatch.operators.coverage import missing_share

BINS = 92
RANDOM = np.random.default_rng(1).uniform(0.0, 360.0, 200)


def parallel(angles, center=None):
    return ParallelBeam(image_shape=(64, 64), angles_deg=tuple(angles), detector_count=BINS, center=center)


def fan(angles, center=None):
    return FanBeam(
        image_shape=(64, 64),
        angles_deg=tuple(angles),
        detector_count=BINS,
        source_to_axis=200.0,
        source_to_detector=300.0,
        detector_pitch=1.5,
        center=center,
    )


def disc(A, radius=26.0):
    away = np.hypot(*(np.mgrid[:64, :64] - 31.5))
    return A(torch.tensor(away < radius, dtype=torch.float32)[None, None])


def told(A, y):
    return [r for r in A.remarks(y) if "measured by no view" in r]


def counted(A, step):
    """The share of lines missing at each bin's distance from the axis, by asking for every direction in turn."""
    bins = np.arange(BINS)
    theta = np.arange(0.0, 360.0, 0.25)[:, None]
    gamma = np.degrees(A._gamma(bins)) if isinstance(A, FanBeam) else np.zeros(BINS)
    views = np.asarray(A.angles_deg)

    def measured(view, bin_coordinate):
        apart = np.abs((view[..., None] - views + 180.0) % 360.0 - 180.0).min(-1)
        return (apart <= step / 2) & (bin_coordinate > -0.5) & (bin_coordinate < BINS - 0.5)

    seen = measured(theta - gamma, bins + 0.0 * theta)
    seen |= measured(theta + 180.0 + gamma, 2.0 * A.axis_bin - bins + 0.0 * theta)
    return 1.0 - seen.mean(0)


SCANS = [
    (parallel, np.arange(150.0), None),
    (parallel, np.arange(0.0, 300.0, 2.0), 14.3),
    (parallel, np.r_[0:100, 120:360], 70.0),
    (parallel, np.arange(180.0), 30.0),
    (fan, np.arange(150.0), None),
    (fan, np.r_[0:200:2, 240:360:2], 30.0),
]


@pytest.mark.parametrize(("scanner", "angles", "center"), SCANS)
def test_what_is_missing_is_what_is_counted(scanner, angles, center):
    A = scanner(angles, center)
    found, wanted = missing_share(A._turn(), A.axis_bin), counted(A, float(np.diff(angles)[0]))
    inner = slice(2, -2)  # at an end the twin is a part of a bin
    off = np.abs(found - wanted)[inner]
    assert wanted.max() > 0.03 and off.mean() < 0.02
    assert found.max() == pytest.approx(wanted[inner].max(), abs=0.04)


@pytest.mark.parametrize(
    "angles",
    [
        np.arange(180.0),
        np.linspace(0.0, 180.0, 181),
        3.0 + 6.0 * np.arange(30),
        np.arange(360.0),
        np.arange(37) * 360.0 / 37,
        RANDOM,
        np.degrees(np.linspace(0.0, np.pi, 91, dtype=np.float32).astype(float)),
    ],
)
def test_complete_scans_are_not_doubted(angles):
    A = parallel(angles)
    assert not told(A, disc(A))


@pytest.mark.parametrize("center", [None, 40.0])
def test_a_full_turn_of_a_fan_and_half_a_turn_with_the_fan_are_complete(center):
    turn, short = fan(np.arange(360.0), center), fan(np.arange(208.0))
    assert not told(turn, disc(turn)) and not told(short, disc(short))


def test_a_missing_wedge():
    A = parallel(np.arange(150.0))
    (said,) = told(A, disc(A))
    assert said.startswith("17 % of the rays are") and "none between 149 and 180 degrees" in said


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_the_wedge_of_a_tilt_series(unit):
    A = parallel(np.arange(-60.0, 61.0, 2.0))
    (said,) = told(A, unit * disc(A))
    assert "none between 60 and 120 degrees" in said


def test_half_acquisition_whose_turn_breaks_off():
    A = parallel(np.arange(345.0), center=20.0)
    (said,) = told(A, disc(A))
    assert said.startswith("4 % of the rays farther than ") and "none between 344 and 360 degrees" in said


def test_rays_through_air_may_be_missing():
    A = parallel(np.arange(180.0), center=30.0)
    assert told(A, disc(A, 40.0)) and not told(A, disc(A, 26.0))


def test_values_are_low_where_it_says_so():
    """Filtered back-projection of a disc of 1 on the side that one half of the turn alone sees."""
    for angles, wanted in ((np.arange(360.0), False), (np.arange(300.0), True)):
        A = parallel(angles, center=14.3)
        y = disc(A)
        picture = A.fbp(y)[0, 0].numpy()
        off = np.abs(picture[20:44, 20:44] - 1.0).max()
        assert bool(told(A, y)) is wanted and bool(off > 0.03) is wanted

"""A fan-beam sinogram of two bumps, from their formula: resampled, it is the parallel one; its centre is found."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.arrays import Slices
from napari_mlpatch.io.build.fan import find_fan_center, to_parallel
from napari_mlpatch.io.measurement import Measurement

R, D, BINS, PITCH = 400.0, 560.0, 256, 0.4


def rays(theta, s):
    """Line integrals of two smooth bumps along the rays (theta, s)."""
    total = np.zeros(np.broadcast(theta, s).shape)
    for x, row, width in ((12.0, -8.0, 6.0), (-10.0, 15.0, 4.0)):
        total += np.exp(-((s - (x * np.cos(theta) - row * np.sin(theta))) ** 2) / (2 * width**2))
    return total


def fan(angles, center=None):
    u = (np.arange(BINS) - ((BINS - 1) / 2 if center is None else center)) * PITCH
    gamma = np.arctan(u / D)
    data = rays(np.deg2rad(angles)[:, None] - gamma, R * np.sin(gamma)).astype(np.float32)
    return Measurement(
        data=Slices((1, *data.shape), lambda i: data),
        path=Path("scan.mat"),
        kind="fan-beam",
        angles_deg=angles,
        center=center,
        geometry={"detector_pitch": PITCH, "source_to_axis": R, "source_to_detector": D},
    )


@pytest.mark.parametrize("center", [None, 130.25])
@pytest.mark.parametrize("angles", [np.arange(0, 360, 1.0), np.linspace(0, 360, 361), np.arange(30, -330, -1.0)])
def test_same_as_the_parallel_sinogram(angles, center):
    beam = to_parallel(fan(angles, center))
    pitch = beam.geometry["detector_pitch"]
    assert beam.kind == "parallel-beam" and pitch == pytest.approx(PITCH * R / D)
    assert beam.center == center  # the bins are those of the detector, as far from the axis
    s = (np.arange(BINS) - (127.5 if center is None else center)) * pitch
    expected = rays(np.deg2rad(beam.angles_deg)[:, None], s)
    assert beam.data.shape[1:] == expected.shape == (360, BINS)
    assert np.abs(beam.data[0] - expected).max() < 2e-3


@pytest.mark.parametrize("angles", [np.arange(0, 180, 1.0), np.r_[0:180, 181:361.0], np.arange(0, 720, 2.0)])
def test_needs_a_full_even_turn(angles):
    with pytest.raises(InputError, match="one full turn in even steps"):
        to_parallel(fan(angles))


@pytest.mark.parametrize("center", [127.5, 131.6, 119.3])
def test_center_is_found(center):
    measurement = fan(np.arange(0, 360, 2.0), center)
    unknown = dataclasses.replace(measurement, center=None)
    assert find_fan_center(unknown, measurement.data[0]).value == pytest.approx(center, abs=0.02)
    assert unknown.problem(center="auto").A.center == pytest.approx(center, abs=0.02)


@pytest.mark.parametrize("center", [20.0, 236.4])
def test_a_half_fan_becomes_half_a_parallel_beam(center):
    """No ray is invented: the disk is wider than what one side of the detector sees."""
    u = (np.arange(BINS)[:, None] + (np.arange(4) + 0.5) / 4 - 0.5 - center) * PITCH
    gamma = np.arctan(u / D)
    angles = np.arange(0, 360, 1.0)
    theta, s = np.deg2rad(angles)[:, None, None] - gamma, R * np.sin(gamma)
    data = 2 * np.sqrt(np.maximum(40.0**2 - (s - 5 * np.cos(theta)) ** 2, 0)).mean(-1).astype(np.float32)
    found = dataclasses.replace(fan(angles, center), data=Slices((1, *data.shape), lambda i: data))
    for problem in (
        found.problem(rebin=True, image_shape=(64, 64), pixel_size=1.5),
        dataclasses.replace(found, center=None).problem(
            rebin=True, center=center, image_shape=(64, 64), pixel_size=1.5
        ),
    ):
        assert abs(problem.A.axis_bin - center) < 5 and problem.A.detector_count <= BINS
        picture = problem.A.pinv(problem.y)[0, 0].numpy()
        r, c = ((np.arange(64) - 31.5) * 1.5 for _ in range(2))
        distance = np.hypot(r[:, None], c[None] - 5)
        assert picture[distance < 35] == pytest.approx(1, abs=0.1)
        assert picture[distance < 35].mean() == pytest.approx(1, abs=0.01)
        assert np.abs(picture[(distance > 44) & (distance < 50)]).mean() < 0.05

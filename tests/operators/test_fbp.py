"""Filtered back-projection of sinograms of a disk, computed from its formula, and against scikit-image's iradon."""

import dataclasses

import numpy as np
import pytest
import torch
from skimage.transform import iradon

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators import FanBeam, ParallelBeam, filtered_rows
from napari_mlpatch.operators.arcs import arcs
from napari_mlpatch.operators.center_sweep import center_sweep
from napari_mlpatch.operators.filters import filter_window

WINDOWS = ("ramp", "shepp-logan", "cosine", "hamming", "hann")
X0, R0, RADIUS = 7.3, -4.1, 25.0  # right of the middle and above it, in pixels


def scanner(**change):
    return ParallelBeam(**({"image_shape": (101, 90), "angles_deg": "0:180:180", "detector_count": 138} | change))


def disk_sinogram(A):
    """Of a disk of density 2."""
    theta = np.radians(A.angles_deg)[:, None, None]
    bins = np.arange(A.detector_count)[:, None] + (np.arange(16) + 0.5) / 16 - 0.5
    offset = (bins - A.axis_bin) * A.detector_pitch / A.pixel_size - (X0 * np.cos(theta) - R0 * np.sin(theta))
    chord = 2 * np.sqrt(np.maximum(RADIUS**2 - offset**2, 0)).mean(-1)
    return torch.tensor(2 * chord * A.pixel_size)[None, None]


def distance_from_disk(A):
    r, x = (np.arange(n) - (n - 1) / 2 for n in A.image_shape)
    return np.hypot(r[:, None] - R0, x[None, :] - X0)


def density_and_radius(A, picture):
    picture = picture[0, 0].numpy()
    density = picture[distance_from_disk(A) < 0.8 * RADIUS].mean()
    return density, np.sqrt((picture > density / 2).sum() / np.pi)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("cutoff", [1.0, 0.5])
def test_windows(window, cutoff):
    A = scanner()
    picture = A.fbp(disk_sinogram(A), window, cutoff)
    assert density_and_radius(A, picture) == (pytest.approx(2, rel=0.01), pytest.approx(RADIUS, rel=0.01))
    inside = picture[0, 0].numpy()[distance_from_disk(A) < 0.8 * RADIUS]
    assert inside.std() < 0.03


def test_windows_from_sharp_to_smooth():
    f = np.linspace(0, 1, 50)
    values = [filter_window(f, window) for window in WINDOWS]
    assert all(v[0] == 1 and (filter_window(f + 1.01, w) == 0).all() for v, w in zip(values, WINDOWS, strict=True))
    area = [v.sum() for v in values]
    assert area == sorted(area, reverse=True)
    with pytest.raises(InputError, match="Unknown filter window 'parzen'"):
        filter_window(f, "parzen")  # type: ignore[arg-type]


rng = np.random.default_rng(1)
SCANS = {
    "full turn": "0:360:360",
    "full turn, odd": "0:360:181",
    "ends repeated": tuple(np.linspace(0, 180, 181)),
    "each angle three times": tuple(np.repeat(np.arange(180.0), 3)),
    "some angles twice": tuple(np.r_[np.arange(0, 180.0), np.arange(0, 60.0)]),
    "random": tuple(rng.uniform(0, 180, 300)),
    "dense and sparse": tuple(np.r_[np.arange(0, 90, 0.5), np.arange(90, 180, 4)]),
    "golden angle": tuple(np.arange(300) * 111.246117975),
    "backwards from -90": tuple(np.arange(90, -90, -1.0)),
    "single precision": tuple(np.degrees(np.linspace(0, 2 * np.pi, 41).astype(np.float32).astype(float))),
    "three turns, jitter": tuple(np.tile(30.0 * np.arange(12), 3) + rng.uniform(-0.005, 0.005, 36)),
}


@pytest.mark.parametrize("angles", SCANS.values(), ids=SCANS)
def test_scans(angles):
    A = scanner(angles_deg=angles)
    assert density_and_radius(A, A.fbp(disk_sinogram(A))) == (
        pytest.approx(2, rel=0.01),
        pytest.approx(RADIUS, rel=0.01),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"center": 60.3},
        {"detector_pitch": 0.5, "detector_count": 300},
        {"detector_pitch": 2.0, "detector_count": 71},
        {"detector_pitch": 0.02, "pixel_size": 0.02},
        {"pixel_size": 2.0, "detector_count": 280},
    ],
    ids=str,
)
def test_units(change):
    A = scanner(**change)
    assert density_and_radius(A, A.fbp(disk_sinogram(A))) == (
        pytest.approx(2, rel=0.01),
        pytest.approx(RADIUS, rel=0.01),
    )


def test_weights_of_the_angles():
    def degrees(angles):
        return np.degrees(arcs(angles, 180.0))

    assert np.allclose(degrees(np.arange(0, 180, 2)), 2)
    assert np.allclose(degrees(np.arange(0, 360, 2)), 1)
    assert np.allclose(degrees([0, 180, 360, -180, 90]), [22.5, 22.5, 22.5, 22.5, 90])
    assert np.allclose(degrees([37.0]), 180) and np.allclose(degrees([37.0, 37.0]), 90)
    assert np.allclose(degrees(np.arange(0, 120, 2.0)), 2)  # a missing wedge is left out
    assert degrees([0, 10, 30, 80, 100, 150]).sum() == pytest.approx(180)
    assert (degrees(rng.uniform(-400, 400, 50)) > 0).all()


def test_other_centres_without_new_tables():
    shifted, plain = scanner(center=60.3), scanner()
    y = disk_sinogram(shifted)
    a, b = shifted.fbp(y), plain.fbp(y, center=60.3)
    middle = torch.tensor(distance_from_disk(plain) < 1.2 * RADIUS)
    assert (a - b)[0, 0][middle].norm() < 1e-3 * a[0, 0][middle].norm()
    assert (a - b).norm() < 5e-3 * a.norm()
    swept = center_sweep(plain, y, [60.3, plain.axis_bin])
    assert torch.equal(swept, torch.stack([plain.fbp(y, "hann", center=60.3), plain.fbp(y, "hann")]))


@pytest.mark.parametrize("padding", ["edge", "zero"])
@pytest.mark.parametrize("angles", ["0:360:60", "0:180:60"])
@pytest.mark.parametrize(("own", "tried"), [(None, 0.5), (None, 2.5), (None, 23.5), (2.0, None), (22.5, 0.5)])
def test_nothing_wraps_round_for_an_axis_near_an_end(own, tried, angles, padding, monkeypatch):
    A = ParallelBeam(image_shape=(128, 128), angles_deg=angles, detector_count=24, center=own)
    y = 1.0 + torch.rand(1, 1, *A.range_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    picture = A.fbp(y, center=tried, padding=padding)
    size = filtered_rows._size
    monkeypatch.setattr(filtered_rows, "_size", lambda *args: 4 * size(*args))
    longer = A.fbp(y, center=tried, padding=padding)
    assert (picture - longer).norm() < 1e-6 * longer.norm()


def test_transforms_are_no_longer_than_needed():
    sizes = [filtered_rows._size(A, A.axis_bin, more) for A in (scanner(), scanner(center=40.0)) for more in (0, 20)]
    assert sizes == [288, 576, 288, 576]


@pytest.mark.parametrize("center", [-10.0, 24.0, float("nan"), float("inf"), "left", [1.0, 2.0]])
def test_an_axis_off_the_detector_is_refused(center):
    scan = {"image_shape": (20, 20), "angles_deg": "0:360:12", "detector_count": 24}
    for A in (ParallelBeam(**scan), FanBeam(**scan, source_to_axis=60.0, source_to_detector=60.0)):
        with pytest.raises(InputError, match="centre"):
            A.fbp(torch.ones(1, 1, 12, 24), center=center)


@pytest.mark.parametrize("window", WINDOWS)
def test_same_as_scikit_image(window):
    A = ParallelBeam(image_shape=(101, 101), angles_deg="0:180:180", detector_count=101)
    y = disk_sinogram(A)
    ours = A.fbp(y, window)[0, 0].numpy()
    theirs = iradon(y[0, 0].numpy().T, np.asarray(A.angles_deg), filter_name=window, circle=True)
    r, x = np.ogrid[-50:51, -50:51]
    seen = r**2 + x**2 < 48**2
    assert np.linalg.norm((ours - theirs)[seen]) < 0.02 * np.linalg.norm(theirs[seen])


def test_quick_picture_is_the_ramp():
    A = scanner()
    y = disk_sinogram(A)
    assert torch.equal(A.pinv(y), A.fbp(y, "ramp", 1.0))


def test_batch_and_precision():
    A = scanner()
    y = disk_sinogram(A)
    many = A.fbp(torch.cat([y, 3 * y]).repeat(1, 2, 1, 1).float())
    assert many.shape == (2, 2, 101, 90) and many.dtype == torch.float32
    assert (many[1, 1] - 3 * A.fbp(y)[0, 0]).norm() < 1e-5 * many[1, 1].norm()


@pytest.mark.parametrize("by", [0.1, -0.5, 0.7, 1.0, -2.4])
@pytest.mark.parametrize(
    "geometry",
    [
        {"angles_deg": "0:180:40", "detector_count": 80},
        {"angles_deg": "0:360:50", "detector_count": 60},
        {"angles_deg": "0:180:40", "detector_count": 31, "detector_pitch": 2.0, "pixel_size": 1.3},
    ],
)
def test_an_axis_that_is_tried_is_one_that_is_built(geometry, by):
    """Of white noise, which tells how values between bins are made. Its filtered rows do not end with the detector."""
    A = ParallelBeam(image_shape=(48, 40), **geometry)
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    tried, axis = y.clone().requires_grad_(), A.axis_bin + by
    found = A.fbp(tried, center=axis)
    built = dataclasses.replace(A, center=axis).fbp(y)
    assert (found - built).norm() < 1e-12 * built.norm()
    found.square().sum().backward()  # of a quadratic form: its gradient times y is twice its value
    assert float((tried.grad * y).sum()) == pytest.approx(2.0 * float(built.square().sum()), rel=1e-10)

"""Fan-beam values: an ellipse in closed form, squares cut by rays, a far source, ASTRA; reconstructions of a disk."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.core.tables import held_bytes
from napari_mlpatch.operators import FanBeam, ParallelBeam
from napari_mlpatch.operators.center_sweep import center_sweep
from napari_mlpatch.operators.fan_geometry import redundancy


def scanner(**change):
    given = {
        "image_shape": (70, 60),
        "angles_deg": "0:360:180",
        "detector_count": 150,
        "source_to_axis": 180.0,
        "source_to_detector": 300.0,
    }
    return FanBeam(**(given | change))


GEOMETRIES = {
    "flat": {},
    "curved": {"detector": "curved"},
    "offset": {"center": 61.3, "angles_deg": (-77, 0, 12.5, 90, 300, 1000)},
    "wide fan": {"source_to_axis": 60.0, "source_to_detector": 90.0},
    "fine bins": {"detector_pitch": 0.5, "detector_count": 280},
    "wide bins, small pixels": {
        "detector_pitch": 3.0,
        "detector_count": 50,
        "pixel_size": 0.7,
        "image_shape": (99, 80),
    },
}
each_geometry = pytest.mark.parametrize("change", GEOMETRIES.values(), ids=GEOMETRIES)


def rays(A, parts=8):
    """theta and s of ``parts`` rays to each bin, ``[views, bins, parts]``, from the positions of source and bin."""
    beta = np.radians(A.angles_deg)[:, None, None]
    u = np.arange(A.detector_count)[:, None] + (np.arange(parts) + 0.5) / parts - 0.5
    u = (u - A.axis_bin) * A.detector_pitch
    R, D = A.source_to_axis, A.source_to_detector
    along, across = (D, u) if A.detector == "flat" else (D * np.cos(u / D), D * np.sin(u / D))
    # x to the right, y upwards; the source starts below the image and goes counterclockwise.
    source = np.stack([R * np.sin(beta), -R * np.cos(beta)])
    direction = np.stack([-along * np.sin(beta) + across * np.cos(beta), along * np.cos(beta) + across * np.sin(beta)])
    normal = np.stack([direction[1], -direction[0]]) / np.hypot(*direction)
    return np.arctan2(normal[1], normal[0]), (normal * source).sum(0)


def ellipse(A, x, y, a, b, tilt, parts=8):
    """Means over the bins of the chords of an ellipse (Kak & Slaney 1988, eq. 3.6)."""
    theta, s = rays(A, parts)
    t = s - x * np.cos(theta) - y * np.sin(theta)
    width = (a * np.cos(theta - tilt)) ** 2 + (b * np.sin(theta - tilt)) ** 2
    return torch.tensor(2 * a * b * np.sqrt(np.maximum(width - t**2, 0)) / width).mean(-1)[None, None]


def drawn(A, x, y, a, b, tilt, parts=8):
    """The same ellipse as pixels, each the mean over its area."""
    rows, columns = A.image_shape
    r, c = (((np.arange(n * parts) + 0.5) / parts - n / 2) * A.pixel_size for n in (rows, columns))
    dx, dy = c[None, :] - x, -r[:, None] - y
    along, across = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
    inside = ((along / a) ** 2 + (across / b) ** 2 <= 1).astype(float)
    return torch.tensor(inside.reshape(rows, parts, columns, parts).mean((1, 3)))[None, None]


def relative(a, b):
    return float((a - b).norm() / b.norm())


@each_geometry
def test_ellipse(change):
    A = scanner(**change)
    shape = (7.5, 4.0, 17.0, 9.0, 0.6)
    assert relative(A(drawn(A, *shape)), ellipse(A, *shape)) < 2e-2  # what drawing it with pixels costs


@each_geometry
def test_squares_cut_by_rays(change):
    """Exact line integrals through two smooth bumps made of square pixels, averaged over 12 rays to each bin."""
    A = scanner(**{"angles_deg": (0, 33, 71, 160, 245)} | change)
    r, c = np.mgrid[: A.image_shape[0], : A.image_shape[1]]
    image = np.exp(-((r - 20) ** 2 + (c - 40) ** 2) / 30) + 0.7 * np.exp(-((r - 50) ** 2 + (c - 25) ** 2) / 90)
    expected = np.zeros(A.range_shape)
    p = A.pixel_size
    theta, s = (v[..., None] for v in rays(A, 12))
    x, y = (c - (A.image_shape[1] - 1) / 2) * p, -(r - (A.image_shape[0] - 1) / 2) * p
    wide, narrow = (p * f(abs(np.cos(theta)), abs(np.sin(theta))) for f in (np.maximum, np.minimum))
    for row in range(A.image_shape[0]):  # a square seen at an angle is a trapezoid
        off = abs(s - x[row] * np.cos(theta) - y[row] * np.sin(theta))
        chord = p**2 / wide * np.clip(((wide + narrow) / 2 - off) / np.maximum(narrow, 1e-9), 0, 1)
        expected += (chord * image[row]).sum(-1).mean(-1)
    got = A(torch.tensor(image)[None, None])[0, 0]
    assert relative(got, torch.tensor(expected)) < 2e-3


def test_a_far_source_is_a_parallel_beam():
    common = {"image_shape": (40, 55), "angles_deg": "10:200:13", "detector_count": 90, "detector_pitch": 0.9}
    fan = FanBeam(**common, source_to_axis=1e6, source_to_detector=1e6, center=43.8)
    parallel = ParallelBeam(**common, center=43.8)
    x = drawn(fan, 5, -3, 16, 9, 1.0)
    assert relative(fan(x), parallel(x)) < 6e-3
    y = parallel(x)
    assert relative(fan.T(y), parallel.T(y)) < 6e-3


def test_like_astra():
    astra = pytest.importorskip("astra")
    A = scanner(angles_deg="5:365:40", pixel_size=0.9)
    x = drawn(A, 7.5, 4.0, 17.0, 9.0, 0.6)
    (rows, columns), p = A.image_shape, A.pixel_size
    volume = astra.create_vol_geom(rows, columns, -columns * p / 2, columns * p / 2, -rows * p / 2, rows * p / 2)
    beam = astra.create_proj_geom(
        "fanflat",
        A.detector_pitch,
        A.detector_count,
        np.radians(A.angles_deg),
        A.source_to_axis,
        A.source_to_detector - A.source_to_axis,
    )
    for kind, tolerance in (("line_fanflat", 1e-2), ("strip_fanflat", 5e-3)):
        projector = astra.create_projector(kind, beam, volume)
        _, y = astra.create_sino(x[0, 0].float().numpy(), projector)
        assert relative(A(x)[0, 0], torch.tensor(y)) < tolerance


# ---- filtered back-projection -----------------------------------------------------------------------------------

DISK = (9.0, -6.0, 15.0, 15.0, 0.0)
SCANS = {
    "full turn": {},
    "closed turn": {"angles_deg": tuple(np.linspace(0, 360, 181))},
    "clockwise": {"angles_deg": "0:-360:180"},
    "two turns": {"angles_deg": "0:720:360"},
    "in any order": {"angles_deg": tuple(np.random.default_rng(0).permutation(180) * 2.0)},
    "curved": {"detector": "curved"},
    "shortest scan": {"angles_deg": tuple(np.arange(20, 229, 1.5))},
    "shortest scan, curved": {"angles_deg": tuple(np.arange(20, 229, 1.5)), "detector": "curved"},
    "300 degrees": {"angles_deg": tuple(np.arange(-40, 260, 1.5))},
    "moved detector": {"center": 44.2, "detector_count": 120},
    "moved detector, curved": {"center": 75.4, "detector_count": 120, "detector": "curved"},
    "wide fan": {"source_to_axis": 60.0, "source_to_detector": 90.0, "angles_deg": "0:360:360"},
    "fine pixels": {"pixel_size": 0.6, "image_shape": (120, 110)},
}


def density_and_radius(A, picture):
    picture = picture[0, 0].numpy()
    r, c = (((np.arange(n) - (n - 1) / 2) * A.pixel_size) for n in A.image_shape)
    distance = np.hypot(c[None, :] - DISK[0], -r[:, None] - DISK[1])
    density = picture[distance < 0.75 * DISK[2]].mean()
    return density, math.sqrt((picture > density / 2).sum() / math.pi) * A.pixel_size


@pytest.mark.parametrize("change", SCANS.values(), ids=SCANS)
def test_scans(change):
    A = scanner(**change)
    picture = A.fbp(2 * ellipse(A, *DISK), "hann")
    assert density_and_radius(A, picture) == (pytest.approx(2, rel=0.01), pytest.approx(DISK[2], rel=0.01))


def streaks(A):
    """Root mean square of what is outside of the disk."""
    picture = A.fbp(ellipse(A, *DISK), "hann")
    r, c = (np.arange(n) - (n - 1) / 2 for n in A.image_shape)
    outside = np.hypot(c[None, :] - DISK[0], -r[:, None] - DISK[1]) > 20
    return density_and_radius(A, picture)[0], float(picture[0, 0].numpy()[outside].std())


def test_a_gap_in_a_full_turn_is_seen_from_behind():
    """However wide the gap, down to the shortest scan that is complete, the streaks are as without one."""
    found = [streaks(scanner(angles_deg=f"0:{views}:{views}")) for views in (360, 357, 355, 350, 345, 340, 300, 230)]
    density, strength = zip(*found, strict=True)
    assert density == pytest.approx([1.0] * len(found), abs=2e-3)
    assert max(strength) < 1.5 * min(strength)


JITTER = np.random.default_rng(0).uniform(-0.005, 0.005, 36)
REPEATED = {
    "three turns": np.tile(30.0 * np.arange(12), 3),
    "three turns, jitter": np.tile(30.0 * np.arange(12), 3) + JITTER,
    "single precision": np.degrees(np.linspace(0, 2 * np.pi, 13).astype(np.float32).astype(float)),
}


@pytest.mark.parametrize("angles", REPEATED.values(), ids=REPEATED)
def test_few_views_that_nearly_coincide(angles):
    density, strength = streaks(scanner(angles_deg=tuple(angles)))
    assert density == pytest.approx(1, abs=0.01)
    assert strength == pytest.approx(streaks(scanner(angles_deg="0:360:12"))[1], rel=0.01)


def test_what_was_not_measured_is_zero():
    A = scanner(angles_deg="0:90:60")
    density, _ = density_and_radius(A, A.fbp(ellipse(A, *DISK)))
    assert 0.2 < density < 0.8


def test_windows():
    A = scanner()
    y = ellipse(A, *DISK) + 0.3 * torch.randn(1, 1, *A.range_shape, generator=torch.Generator().manual_seed(0))
    roughness = [float(picture.std()) for picture in (A.fbp(y), A.fbp(y, "hann"), A.fbp(y, "hann", 0.4))]
    assert roughness == sorted(roughness, reverse=True)


@pytest.mark.parametrize("change", [{}, {"detector": "curved", "angles_deg": "0:230:90"}, {"angles_deg": "20:-500:77"}])
@pytest.mark.parametrize("axis", [70.2, 74.5, 90.0])
def test_an_axis_that_is_tried_is_that_of_a_scanner_built_so(change, axis):
    """Noise, which no interpolation keeps; also cut off at one side."""
    right, A = scanner(center=axis, **change), scanner(**change)
    y = torch.randn(2, 1, *A.range_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert relative(center_sweep(A, y, [axis])[0], right.fbp(y, "hann")) < 1e-12
    assert relative(A.fbp(y.float(), center=axis), right.fbp(y.float())) < 1e-6
    cut = ellipse(right, *DISK)[..., 30:]
    A, right = (
        dataclasses.replace(S, detector_count=S.detector_count - 30, center=c)
        for S, c in ((A, None), (right, axis - 30))
    )
    assert relative(A.fbp(cut, center=axis - 30), right.fbp(cut)) < 1e-6


def test_rays_in_steps_are_the_rays():
    A = scanner(image_shape=(12, 10), angles_deg="0:400:9", detector_count=20)
    x, y = (torch.randn(1, n, dtype=torch.float64) for n in (120, 180))
    usual, quick = A._rays(x), A._rays_once(x)
    x = x.view(1, 12, 10)
    assert relative(quick(x), usual(x)) < 1e-12 and relative(quick.transpose(y), usual.transpose(y)) < 1e-12
    assert torch.allclose((quick(x) * y).sum(), (x * quick.transpose(y)).sum())


def test_an_axis_that_cannot_be_tried():
    lengths = {"source_to_axis": 9.0, "source_to_detector": 9.0, "detector_pitch": 1.0}
    A = scanner(image_shape=(8, 8), detector_count=21, detector="curved", **lengths)
    with pytest.raises(InputError, match="a quarter of a turn"):
        A.fbp(torch.zeros(1, 1, *A.range_shape), center=0.0)


def test_back_projection_has_gradients():
    A = scanner(image_shape=(12, 10), angles_deg="0:360:9", detector_count=20)
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A.fbp, y, fast_mode=True)


def test_shares_of_a_ray_and_its_twin():
    """1/2 for a full turn; for the shortest complete scan Parker's weights (Kak & Slaney 1988, eq. 3.164)."""
    gamma = np.radians(np.linspace(-15, 15, 31))
    assert np.allclose(redundancy(np.arange(0, 360, 2.0), gamma, 15.0), 0.5)
    angles = np.arange(0.05, 210, 0.1)  # each stands for half a step to both sides
    beta, left, right = np.radians(angles)[:, None], np.radians(15) + gamma, np.radians(15) - gamma
    with np.errstate(divide="ignore", invalid="ignore"):
        begin = np.sin(np.pi / 4 * beta / left) ** 2
        end = np.sin(np.pi / 4 * (np.radians(210) - beta) / right) ** 2
    parker = np.where(beta < 2 * left, begin, np.where(np.radians(210) - beta < 2 * right, end, 1.0))
    assert np.abs(redundancy(angles, gamma, 15.0) - parker)[:, 1:-1].max() < 1e-6


# ---- declarations -----------------------------------------------------------------------------------------------


def test_covers_image():
    assert scanner(detector_count=162).covers_image and scanner(detector_count=162, detector="curved").covers_image
    assert not scanner().covers_image
    assert not scanner(detector_count=162, center=70.0).covers_image
    A = FanBeam(**FanBeam.suggest((40, 30)))
    assert A.covers_image and A.axis_pitch == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source_to_axis": 40.0}, "source inside the image"),
        ({"source_to_detector": 2.0}, "a quarter of a turn"),
        ({"source_to_detector": 40.0, "detector": "curved"}, "a quarter of a turn"),
        ({"center": 200.0}, "center = 200 lies outside"),
        ({"angles_deg": ()}, "at least one angle"),
        ({"image_shape": (0, 5)}, "rows and columns"),
    ],
)
def test_impossible_geometries(change, message):
    given = {"image_shape": (70, 60), "angles_deg": (0.0,), "detector_count": 150, "source_to_axis": 180.0}
    with pytest.raises(InputError, match=message):
        build(operators, {"name": "fan-beam", "params": {**given, "source_to_detector": 300.0, **change}})


def test_memory_estimate():
    A = scanner()
    A(torch.zeros(1, 1, *A.image_shape))
    tables = held_bytes(A)
    assert 0.7 * tables < A.memory_bytes() < 1.5 * tables

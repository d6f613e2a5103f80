"""The arcs that views stand for: right, and continuous in the angles."""

import numpy as np
import pytest
import torch

from napari_mlpatch.operators import ParallelBeam
from napari_mlpatch.operators.arcs import arcs
from napari_mlpatch.operators.fan_geometry import redundancy, view_weights
from napari_mlpatch.operators.ray_shares import ray_weights

rng = np.random.default_rng(3)
TURNS = np.concatenate([30.0 * np.arange(12) + 360 * turn for turn in range(3)])
SCANS = {
    "half a turn": np.arange(0, 180, 2.0),
    "both ends": np.linspace(0, 360, 37),
    "three turns": TURNS,
    "random": rng.uniform(0, 360, 60),
    "golden angle": np.arange(60) * 111.246117975,
    "a third of a turn": np.arange(0, 120, 4.0),
    "a wide gap": np.r_[0:180:5.0, 210:360:5.0],
    "dense and sparse": np.r_[0:180:1.0, 180:360:6.0],
    "few": np.arange(5) * 72.0,
    "one": np.array([37.0]),
}


@pytest.mark.parametrize("angles", SCANS.values(), ids=SCANS)
@pytest.mark.parametrize("size", [1e-9, 1e-5, 1e-3])
def test_a_small_change_of_the_angles_is_one_of_the_weights(angles, size):
    changed = angles + size * rng.uniform(-1, 1, len(angles))
    gamma = np.radians(np.linspace(-12, 12, 25))
    for weights in (
        lambda a: ray_weights(tuple(a), 25, 12.0),
        lambda a: ray_weights(tuple(a), 25, 5.3),
        lambda a: view_weights(a)[:, None] * redundancy(a, gamma, 12.0),
    ):
        before = weights(angles)
        assert np.abs(weights(changed) - before).max() < 20 * size * before.max()


@pytest.mark.parametrize("jitter", [0, 1e-9, 1e-6, 0.005, 0.1])
@pytest.mark.parametrize("period", [180.0, 360.0])
def test_repeated_turns_share(jitter, period):
    weights = arcs(TURNS + jitter * rng.uniform(-1, 1, 36), period)
    assert weights == pytest.approx(np.radians(period) / 36, rel=0.02)


@pytest.mark.parametrize("count", [6, 8, 13, 37, 361])
def test_radians_in_single_precision(count):
    exact = np.linspace(0, 2 * np.pi, count)
    rounded = np.degrees(exact.astype(np.float32).astype(float))
    assert arcs(rounded, 180.0) == pytest.approx(arcs(np.degrees(exact), 180.0), rel=1e-3)
    assert arcs(rounded, 180.0).sum() == pytest.approx(np.pi)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("period", [180.0, 360.0])
@pytest.mark.parametrize(
    "angles", [[37.0] * 2, [37.0] * 3, [0.0] * 7, [10.0, 370.0, 730.0], [37.0, 37.0, 37.0 + 1e-13]]
)
def test_all_views_coincide(angles, period):
    assert arcs(angles, period) == pytest.approx(np.radians(period) / len(angles))
    A = ParallelBeam(image_shape=(9, 9), angles_deg=tuple(angles), detector_count=15)
    once = ParallelBeam(image_shape=(9, 9), angles_deg=(37.0,) if 37.0 in angles else angles[:1], detector_count=15)
    y = torch.rand(1, 1, 1, 15, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert A.fbp(y.expand(1, 1, len(angles), 15)).numpy() == pytest.approx(once.fbp(y).numpy())


@pytest.mark.parametrize("count", [30, 100, 300])
def test_random_angles_cover_the_circle(count):
    sums = [arcs(np.random.default_rng(seed).uniform(0, 180, count), 180.0).sum() for seed in range(20)]
    assert min(sums) > 0.99 * np.pi


def test_two_views_become_one():
    weights = np.array([arcs([0.0, 5.0, 10.0 + shift, 15.0, 20.0], 180.0) for shift in np.linspace(-5, 5, 2001)])
    assert np.abs(np.diff(weights, axis=0)).max() < 0.01 * np.radians(5)
    assert weights[0, 1] == weights[0, 2] and weights[-1, 2] == pytest.approx(weights[-1, 3])


def test_a_gap_opens_without_a_jump():
    gaps = np.linspace(1, 40, 2000)
    ends = np.array([arcs(np.linspace(0, 180 - gap, 140), 180.0)[[0, 70]] for gap in gaps])
    step = np.radians((180 - gaps) / 139)
    assert np.abs(np.diff(ends[:, 0])).max() < 0.05 * step.max()
    assert ends[:, 1] == pytest.approx(step) and ends[-1, 0] == pytest.approx(step[-1])


def test_weights_of_both_sides_add_up():
    """At every line, those of all who see it add up to half a circle, or half of one for each side."""
    weights = ray_weights(tuple(np.arange(0, 360, 3.0)), 60, 18.0)
    line = weights.sum(0)
    place = np.arange(60)
    mirrored = (36 - place).clip(0)
    assert np.where(place <= 36, line[place] + line[mirrored], line) == pytest.approx(2 * np.pi)
    assert ray_weights(tuple(np.arange(0, 180, 3.0)), 60, 18.0) == pytest.approx(np.radians(3))  # nothing seen twice
    assert ray_weights(tuple(np.arange(0, 360, 3.0)), 60, 29.5) == pytest.approx(np.radians(1.5))

"""Trajectories and uv tracks: where they start and end, how dense they are, and Earth's rotation written out."""

import math

import numpy as np
import pytest

from napari_mlpatch.operators.trajectories import (
    antenna_layout,
    check_frequencies,
    gaussian,
    radial,
    spiral,
    uv_tracks,
    within_grid,
)


def test_radial():
    k = radial(4, 8)
    assert k.shape == (4, 8, 2)
    assert not k[:, 4].any()
    np.testing.assert_allclose(k[0], np.stack([np.zeros(8), np.arange(-4, 4) * math.pi / 4], 1), atol=1e-15)
    np.testing.assert_allclose(np.degrees(np.arctan2(*k[:, 5].T)), [0, 45, 90, 135])
    golden = np.degrees(np.arctan2(*radial(3, 8, golden=True)[:, 5].T))
    np.testing.assert_allclose(golden, [0, 111.246117975, 222.49223595 - 360])


def test_spiral():
    k = spiral(3, 200, 5.0)
    radius = np.hypot(k[..., 0], k[..., 1])
    assert not k[:, 0].any() and radius.max() == pytest.approx(math.pi)
    steps = np.hypot(*np.diff(k, axis=1).T)
    assert steps[20:].min() > 0.99 * steps.max(), "equal arcs; near zero, where it winds, chords are shorter"
    turned = np.unwrap(np.arctan2(k[0, 1:, 0], k[0, 1:, 1]))
    assert turned[-1] == pytest.approx(2 * math.pi * 5)
    np.testing.assert_allclose(turned / (2 * math.pi * 5), radius[0, 1:] / math.pi, rtol=1e-9)  # Archimedean


def test_gaussian():
    k = gaussian(20_000, math.pi / 3, 0)
    assert np.abs(k).max() <= math.pi
    assert k.std() == pytest.approx(math.pi / 3, rel=0.03)  # a little less, as the tails are cut
    assert (gaussian(10, 1.0, 0) == gaussian(10, 1.0, 0)).all() and (gaussian(10, 1.0, 0) != gaussian(10, 1.0, 1)).any()


@pytest.mark.parametrize("kind", ["y", "spiral"])
def test_layouts(kind):
    places = antenna_layout(27, kind, 0)
    distance = np.hypot(*places.T)
    assert places.shape == (27, 2) and 0.9 < distance.max() < 1.1
    assert len(np.unique(places, axis=0)) == 27
    assert (places != antenna_layout(27, kind, 1)).any()


def test_tracks_by_rotating_the_earth():
    """The projection of rotated baselines onto the plane of the sky, with rotation matrices."""
    places, latitude, declination = antenna_layout(5, "y", 0), math.radians(-30.0), math.radians(20.0)
    found = uv_tracks(places, hours=6, snapshots=4, declination_deg=20.0, latitude_deg=-30.0).reshape(10, 4, 2)
    to_pole = np.array([[0, -math.sin(latitude)], [1, 0], [0, math.cos(latitude)]])  # (X, Y, Z) of east and north
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    for n, (i, j) in enumerate(pairs):
        for m, H in enumerate(np.radians(15.0 * np.array([-2.25, -0.75, 0.75, 2.25]))):
            X, Y, Z = to_pole @ (places[j] - places[i])
            # Source direction in (X, Y, Z), X towards the meridian, Y east; then two axes of the sky beside it.
            east = np.array([math.sin(H), math.cos(H), 0])
            source = np.array([
                math.cos(declination) * math.cos(H), -math.cos(declination) * math.sin(H), math.sin(declination)
            ])  # fmt: skip
            north = np.cross(source, east)
            u, v = np.dot([X, Y, Z], east), np.dot([X, Y, Z], north)
            np.testing.assert_allclose(found[n, m], [v, u], atol=1e-12)


def test_tracks_at_the_pole_are_circles():
    tracks = uv_tracks(antenna_layout(4, "y", 0), hours=12, snapshots=7, declination_deg=90, latitude_deg=90)
    radius = np.hypot(*tracks.T).reshape(6, 7)
    np.testing.assert_allclose(radius, radius[:, :1] * np.ones(7))


def test_scaled_to_the_grid():
    tracks = uv_tracks(antenna_layout(4, "y", 0), hours=8, snapshots=7, declination_deg=40, latitude_deg=34)
    assert np.hypot(*within_grid(tracks, 0.9).T).max() == pytest.approx(0.9 * math.pi)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[0.0, 3.2], [0, 0], [4, 4]]), "2 of 3 samples lie outside the grid, the farthest at 4 radians"),
        (np.zeros((3, 3)), r"must be real numbers \[samples, 2\], got float64 of shape \[3, 3\]"),
        (np.zeros(2), "must be real numbers"),
        (np.zeros((3, 2), complex), "must be real numbers"),
    ],
)
def test_impossible_frequencies(values, words):
    with pytest.raises(ValueError, match=words):
        check_frequencies(values, "these")

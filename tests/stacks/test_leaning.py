"""The tilt of an axis, of balls whose projections have a closed form at any tilt."""

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks.care import leaning
from napari_mlpatch.stacks.care.axis_line import find_axis
from napari_mlpatch.stacks.care.leaning import across_axis, find_leaning_axis

BINS, ROWS, VIEWS = 96, 48, 120
HEIGHTS = [0, 12, 24, 35, 47]


def balls(degrees, span):
    """Chords 2 sqrt(R^2 - d^2) of twelve balls, ``[rows, angles, bins]``, angles, the axis' bin in the middle."""
    random = np.random.default_rng(1)
    lean, theta = np.deg2rad(degrees), np.deg2rad(np.arange(VIEWS) * span / VIEWS)
    center, middle = (BINS - 1) / 2 + 1.3, (ROWS - 1) / 2
    row, column = np.arange(ROWS)[:, None, None], np.arange(BINS)[None, None, :]
    y = np.zeros((ROWS, VIEWS, BINS))
    for _ in range(12):
        a, b = random.uniform(-0.22, 0.22, 2) * BINS
        z, radius = random.uniform(-0.7, 0.7) * ROWS, random.uniform(0.05, 0.15) * BINS
        u = a * np.cos(theta) + b * np.sin(theta)  # across the axis, z along it
        s, r = center + u * np.cos(lean) + z * np.sin(lean), middle - u * np.sin(lean) + z * np.cos(lean)
        distance2 = (column - s[None, :, None]) ** 2 + (row - r[None, :, None]) ** 2
        y += 2 * np.sqrt(np.clip(radius**2 - distance2, 0, None))
    return y.astype(np.float32), np.rad2deg(theta), center


@pytest.mark.parametrize(("degrees", "span"), [(1.0, 180.0), (-2.0, 360.0)])
def test_the_tilt_of_balls(degrees, span):
    y, angles, center = balls(degrees, span)
    line = find_leaning_axis(lambda start, stop: y[start:stop], HEIGHTS, angles, ROWS)
    assert line.tilt_deg == pytest.approx(degrees, rel=0.04) and line.center == pytest.approx(center, abs=0.03)
    rows_alone = find_axis([y[row] for row in HEIGHTS], HEIGHTS, angles, ROWS)
    assert abs(rows_alone.tilt_deg / degrees - 1) > 2 * abs(line.tilt_deg / degrees - 1)
    assert line.residual < rows_alone.residual / 2 and line.note == ""


def test_what_is_accepted_is_the_root(monkeypatch):
    """Not the slope that the last guess led to."""
    y, angles, _ = balls(-2.0, 360.0)
    root = find_leaning_axis(lambda start, stop: y[start:stop], HEIGHTS, angles, ROWS).slope
    monkeypatch.setattr(leaning, "CLOSE", np.inf)  # of the first secant
    once = find_leaning_axis(lambda start, stop: y[start:stop], HEIGHTS, angles, ROWS)
    monkeypatch.setattr(leaning, "CLOSE", 0.0)
    monkeypatch.setattr(leaning, "ROUNDS", 1)
    guess = find_leaning_axis(lambda start, stop: y[start:stop], HEIGHTS, angles, ROWS)
    assert abs(once.slope - root) < abs(guess.slope - root) / 2 and once.note == ""


@pytest.mark.parametrize("why", ["rounds", "steep", "no line"])
def test_a_tilt_that_does_not_settle_is_told(why, monkeypatch):
    y, angles, _ = balls(1.0, 180.0)
    if why == "rounds":
        monkeypatch.setattr(leaning, "ROUNDS", 1)
    elif why == "steep":
        monkeypatch.setattr(leaning, "MOST_STEEP", 0.001)
    else:
        lines = iter([find_axis([y[row] for row in HEIGHTS], HEIGHTS, angles, ROWS)])

        def once(*args):
            try:
                return next(lines)
            except StopIteration:
                raise InputError("The centres lie on no line") from None

        monkeypatch.setattr(leaning, "find_axis", once)
    line = find_leaning_axis(lambda start, stop: y[start:stop], HEIGHTS, angles, ROWS)
    assert line.note == "the tilt did not settle" and line.slope > 0


def test_an_upright_axis_stays():
    y, angles, center = balls(0.0, 180.0)
    line = find_leaning_axis(lambda start, stop: y[start:stop], HEIGHTS, angles, ROWS)
    assert abs(line.tilt_deg) < 0.05 and line.note == "" and line.center == pytest.approx(center, abs=0.02)


def test_rows_across_the_axis_of_a_plane():
    """Of data that are linear in row and bin, the rows across are exact."""
    row, _, column = np.mgrid[:20, :2, :16].astype(np.float32)
    y = 3 * row + column
    out = across_axis(lambda start, stop: y[start:stop], 9, 0.3, 7.5, 20)
    bins = np.arange(16)
    np.testing.assert_allclose(out, np.tile(3 * (9 - (bins - 7.5) * 0.3) + bins, (2, 1)), rtol=1e-5)

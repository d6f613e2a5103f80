"""Masks of k-space: how much they keep, the middle, distances, and what cannot be."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_mlpatch.operators.kspace_masks import line_mask, poisson_disc_mask


def lines(kind="variable-density", shape=(64, 100), acceleration=4.0, center_fraction=0.08, seed=0, **more):
    given = {"direction": "columns"} | more
    return line_mask(shape, kind, acceleration=acceleration, center_fraction=center_fraction, seed=seed, **given)


@pytest.mark.parametrize("kind", ["variable-density", "equispaced"])
@pytest.mark.parametrize("acceleration", [1.0, 2.0, 3.7, 10.0])
def test_lines(kind, acceleration):
    mask = lines(kind, acceleration=acceleration)
    assert (mask == mask[:1]).all()
    assert mask[0].sum() == round(100 / acceleration)
    assert mask[0, 46:54].all()
    assert (lines(kind, acceleration=acceleration) == mask).all()
    assert (lines(kind, (100, 64), acceleration, direction="rows") == mask.T).all()


def test_variable_density_falls_outwards():
    count = sum(lines(seed=seed)[0].astype(int) for seed in range(200))
    assert count[:20].sum() < 0.3 * count[25:45].sum() and count[-20:].sum() < 0.3 * count[55:75].sum()


def test_equal_steps():
    taken = np.flatnonzero(lines("equispaced", (1, 200), acceleration=5, center_fraction=0.05)[0])
    steps = np.diff(taken[taken < 90])
    assert steps.max() - steps.min() <= 1 and steps.min() >= 5


@pytest.mark.parametrize("shape", [(64, 48), (31, 45)])
@pytest.mark.parametrize("acceleration", [2.0, 5.0])
def test_poisson_disc(shape, acceleration):
    mask = poisson_disc_mask(shape, acceleration=acceleration, center_fraction=0.08, seed=3)
    assert mask.sum() == round(shape[0] * shape[1] / acceleration)
    assert mask[shape[0] // 2, shape[1] // 2]
    assert not mask[0, 0] and not mask[-1, -1], "the corners lie outside the ellipse"
    assert not mask.flags.writeable
    other = poisson_disc_mask(shape, acceleration=acceleration, center_fraction=0.08, seed=4)
    assert (mask != other).any()


def test_poisson_disc_keeps_distance():
    """Against samples at random of the same density: the nearest neighbour of outer samples is far away."""
    mask = poisson_disc_mask((96, 96), acceleration=8, center_fraction=0.08, seed=0)
    points = np.argwhere(mask)
    outer = np.hypot(*(points - 48).T) > 30
    nearest = cKDTree(points).query(points[outer], k=2)[0][:, 1]
    allowed = np.hypot(*(np.indices((96, 96)) - 48)) <= 48
    density = outer.sum() / (allowed.sum() - np.pi * 30**2)
    assert nearest.min() > 0.5 / np.sqrt(density)  # at random the mean is 0.5 / sqrt(density) (Clark & Evans 1954)


@pytest.mark.parametrize("make", [lines, poisson_disc_mask])
def test_a_middle_that_is_too_large(make):
    given = {} if make is lines else {"image_shape": (64, 100), "seed": 0}
    with pytest.raises(ValueError, match=r"center_fraction = 0.6 takes .* leaves"):
        make(acceleration=4, center_fraction=0.6, **given)

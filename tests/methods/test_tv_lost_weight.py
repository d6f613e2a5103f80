"""Weights of total variation that vanish beside rounding: what comes out is not the minimiser, and that is said."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.operators import ParallelBeam

N = 24
A = ParallelBeam(image_shape=(N, N), angles_deg=[0.0, 60.0, 120.0], detector_count=36)


def problem(scale=1.0):
    x = torch.from_numpy(np.array(mp.io.samples.image("shepp-logan", N), np.float32))[None, None]
    x = (x / x.max()).clamp(min=0)
    return x, mp.Problem(A, scale * A(x))


def objective(x, y, weight):
    """In plain terms, the far edges have no differences."""
    down = torch.nn.functional.pad(x.diff(dim=-2), (0, 0, 0, 1))
    right = torch.nn.functional.pad(x.diff(dim=-1), (0, 1))
    misfit = (A(x) - y).double().square().sum()
    return float(0.5 * misfit + weight * torch.hypot(down, right).double().sum())


def test_the_picture_of_a_vanishing_weight_is_not_taken_for_the_minimiser():
    """The truth explains the data wholly, so that it bounds the least value."""
    truth, given = problem()
    result = mp.reconstruct(given, mp.methods.TV(weight=1e-9, iterations=60))
    assert objective(result.x, given.y, 1e-9) > 1.5 * objective(truth, given.y, 1e-9)
    assert not result.converged and "lost beside the rounding errors" in result.note


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
def test_nothing_is_said_of_weights_that_count_in_any_unit(scale):
    truth, given = problem(scale)
    result = mp.reconstruct(given, mp.methods.TV(weight=1e-2 * scale, iterations=300))
    assert result.note == ""
    assert objective(result.x / scale, given.y / scale, 1e-2) < objective(truth, given.y / scale, 1e-2)


def test_a_weight_that_counts_takes_no_probe():
    fresh = ParallelBeam(image_shape=(N, N), angles_deg=[0.0, 60.0, 120.0], detector_count=36)
    batches = []

    y = problem()[1].y
    normal = fresh._normal
    object.__setattr__(fresh, "_normal", lambda x: batches.append(len(x)) or normal(x))
    mp.reconstruct(mp.Problem(fresh, y), mp.methods.TV(weight=1e-2, iterations=3))
    assert batches and set(batches) == {1} and "column_norm" not in vars(fresh)
    mp.reconstruct(mp.Problem(fresh, y), mp.methods.TV(weight=1e-9, iterations=3))
    assert set(batches) == {1, 4}, "four pictures of random signs"

"""Filtered back-projection as a method. Its pictures are tested with the operator, in tests/operators/test_fbp.py."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError


@pytest.fixture(scope="module")
def problem():
    A = mp.operators.ParallelBeam(image_shape=(20, 24), angles_deg="0:180:30", detector_count=32)
    return mp.simulate(torch.rand(20, 24), A)


@pytest.mark.parametrize("window", ["ramp", "shepp-logan", "cosine", "hamming", "hann"])
def test_is_what_the_operator_does(problem, window):
    result = mp.reconstruct(problem, mp.methods.FBP(window=window, cutoff=0.7))
    assert torch.equal(result.x, problem.A.fbp(problem.y, window, 0.7))
    assert result.iterations == 1 and result.converged and result.recipe.stopped_at is None


@pytest.mark.parametrize("bad", [{"window": "parzen"}, {"cutoff": 0}, {"cutoff": 1.5}])
def test_impossible_parameters(bad):
    with pytest.raises(InputError):
        mp.methods.FBP(**bad)

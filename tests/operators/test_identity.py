"""Denoising."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.operators import Identity


def test_everything_is_the_image():
    A, x = Identity(image_shape=(5, 8)), torch.randn(2, 3, 5, 8)
    for same in (A(x), A.T(x), A.normal(x), A.pinv(x)):
        assert torch.equal(same, x) and same.data_ptr() != x.data_ptr()
    assert torch.allclose(A.solve_shifted(x, 3.0), x / 4)
    assert A.norm == pytest.approx(1) and A.column_norm == pytest.approx(1)


def test_noise_on_a_photograph():
    x = torch.from_numpy(mp.io.samples.image("camera", size=256))
    problem = mp.simulate(x, Identity(image_shape=(256, 256)), mp.noise.Gaussian(std=0.05))
    assert problem.A.estimate_std(problem.y) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("shape", [(0, 4), (4, 40_000)])
def test_bad_sizes(shape):
    with pytest.raises(ValueError, match="between 1 and 32768, got"):
        Identity(image_shape=shape)

"""Super-resolution against block means, PyTorch's anti-aliased interpolation, and a dense solve."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from torch.nn.functional import avg_pool2d, interpolate

from napari_mlpatch.operators import SuperResolution

FACTORS = (2, 3, 4, 8)


def image(*shape):
    return torch.randn(1, 2, *shape, dtype=torch.float64)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("shape", [(48, 24), (31, 50)])
def test_area(factor, shape):
    x = image(*shape)
    A = SuperResolution(image_shape=shape, factor=factor)
    assert torch.allclose(A(x), avg_pool2d(x, factor, ceil_mode=True))


@pytest.mark.parametrize("factor", FACTORS)
def test_bicubic(factor):
    """Also at the edges, where both leave out what lies outside."""
    x = image(48, 72)
    A = SuperResolution(image_shape=(48, 72), factor=factor, kernel="bicubic")
    expected = interpolate(x, size=A.range_shape, mode="bicubic", antialias=True)
    assert torch.allclose(A(x), expected, atol=1e-6)


@pytest.mark.parametrize("factor", [3])
def test_gaussian_of_odd_factors_is_that_of_scipy(factor):
    x = image(60, 60)
    A = SuperResolution(image_shape=(60, 60), factor=factor, kernel="gaussian", width=1.3)
    blurred = gaussian_filter1d(gaussian_filter1d(x.numpy(), 1.3, axis=-1), 1.3, axis=-2)
    inside = slice(2, -2)
    assert np.allclose(A(x)[..., inside, inside], blurred[..., 1::3, 1::3][..., inside, inside], atol=1e-4)


@pytest.mark.parametrize("kernel", ["area", "gaussian", "bicubic"])
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("shape", [(48, 48), (45, 51)])
def test_nothing_is_shifted(kernel, factor, shape):
    """A ramp stays the same ramp, there and back, away from the edges."""
    row, column = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in shape), indexing="ij")
    x = (row + 2 * column)[None, None]
    A = SuperResolution(image_shape=shape, factor=factor, kernel=kernel)
    i, j = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in A.range_shape), indexing="ij")
    middle = (factor - 1) / 2
    expected = (factor * i + middle) + 2 * (factor * j + middle)
    assert torch.allclose(A(x)[0, 0, 2:-3, 2:-3], expected[2:-3, 2:-3])
    inside = slice(2 * factor, -3 * factor)
    assert torch.allclose(A.pinv(expected[None, None])[..., inside, inside], x[..., inside, inside], atol=1e-4)


@pytest.mark.parametrize("kernel", ["area", "gaussian", "bicubic"])
def test_flat_images_stay_flat(kernel):
    A = SuperResolution(image_shape=(41, 29), factor=8, kernel=kernel)
    x = torch.ones(1, 1, 41, 29, dtype=torch.float64)
    assert torch.allclose(A(x), torch.ones(1, 1, 6, 4, dtype=torch.float64))
    assert torch.allclose(A.pinv(A(x)), x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_closed_form_of_a_size_that_is_not_divisible(dtype):
    A = SuperResolution(image_shape=(13, 10), factor=3, kernel="bicubic")
    gram = A.normal(torch.eye(130, dtype=torch.float64).reshape(130, 1, 13, 10)).reshape(130, 130)
    b = torch.randn(1, 1, 13, 10, dtype=dtype)
    expected = torch.linalg.solve((gram + 0.05 * torch.eye(130)).to(dtype), b.flatten())
    assert torch.allclose(A.solve_shifted(b, 0.05).flatten(), expected)


def test_huge_images_have_no_closed_form():
    assert SuperResolution(image_shape=(4096, 8), factor=2).closed_form
    assert not SuperResolution(image_shape=(4098, 8), factor=2).closed_form
    with pytest.raises(NotImplementedError):
        SuperResolution(image_shape=(4098, 8)).solve_shifted(torch.ones(1, 1, 4098, 8), 1.0)


@pytest.mark.parametrize("parameters", [{"factor": 5}, {"kernel": "sinc"}, {"width": 0.1}, {"image_shape": (0, 8)}])
def test_bad_input(parameters):
    with pytest.raises(ValueError):
        SuperResolution(**{"image_shape": (8, 8), **parameters})

"""Blur against scipy's convolutions, and its inverses."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.signal import convolve2d

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators import Blur

SHAPE = (17, 22)


def kernel(*shape):
    return np.random.default_rng(1).standard_normal(shape)


@pytest.mark.parametrize("size", [(3, 5), (4, 4), (1, 6), (17, 22), (1, 1)])
def test_periodic(size):
    k, x = kernel(*size), torch.randn(SHAPE, dtype=torch.float64)
    A = Blur(image_shape=SHAPE, kernel="custom", kernel_values=k, normalise=False)
    assert np.allclose(A(x[None, None])[0, 0].numpy(), convolve(x.numpy(), k, mode="wrap"), atol=1e-12)


@pytest.mark.parametrize("size", [(3, 5), (4, 4), (1, 6), (17, 22), (17, 1)])
def test_valid(size):
    k, x = kernel(*size), torch.randn(SHAPE, dtype=torch.float64)
    A = Blur(image_shape=SHAPE, kernel="custom", kernel_values=k, normalise=False, boundary="valid")
    expected = convolve2d(x.numpy(), k, mode="valid")
    assert A.range_shape == expected.shape
    assert np.allclose(A(x[None, None])[0, 0].numpy(), expected, atol=1e-12)


def test_complex_images_are_blurred_in_both_parts():
    A = Blur(image_shape=SHAPE, kernel="motion", width=3, angle=20, boundary="valid")
    x = torch.randn(1, 1, *SHAPE, dtype=torch.complex128)
    assert torch.allclose(A(x), torch.complex(A(x.real), A(x.imag)))


def test_normalised_or_not():
    k = np.abs(kernel(5, 3))
    flat = torch.ones(1, 1, *SHAPE, dtype=torch.float64)
    for normalise, mean in ((True, 1.0), (False, k.sum())):
        A = Blur(image_shape=SHAPE, kernel="custom", kernel_values=k, normalise=normalise)
        assert float(A(flat).mean()) == pytest.approx(mean)


def test_a_kernel_wider_than_a_periodic_image_comes_in_again():
    A = Blur(image_shape=(7, 31), width=2.0)
    x = torch.rand(1, 1, 7, 31, dtype=torch.float64)
    assert np.allclose(A(x)[0, 0].numpy(), convolve(x[0, 0].numpy(), A.point_spread, mode="wrap"), atol=1e-12)


def test_symbol_of_the_valid_boundary_is_the_best_circulant():
    A = Blur(image_shape=(9, 8), kernel="custom", kernel_values=kernel(3, 2), normalise=False, boundary="valid")
    gram = A.normal(torch.eye(72, dtype=torch.float64).reshape(72, 1, 9, 8)).reshape(72, 72)
    F = torch.fft.fft2(torch.eye(72, dtype=torch.complex128).reshape(72, 9, 8), norm="ortho").reshape(72, 72)
    best = torch.einsum("ia,ij,ja->a", F.conj(), gram.to(F), F).real.reshape(9, 8)[:, :5]
    assert torch.allclose(A.normal_symbol(torch.device("cpu"), torch.float64), best)


@pytest.mark.parametrize("boundary", ["periodic", "valid"])
def test_pinv_undoes_the_blur(boundary):
    x = torch.from_numpy(mp.io.samples.image("shepp-logan", size=128))
    A = Blur(image_shape=(128, 128), kernel="shake", width=4, boundary=boundary)
    problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.01))
    inside = slice(5, -5)  # where data of either boundary are on the same place as the image
    data = torch.zeros(128, 128)
    data[A._window] = problem.y[0, 0]
    unsharp, sharp = (v[inside, inside] - x[inside, inside] for v in (data, A.pinv(problem.y)[0, 0]))
    assert sharp.norm() < 0.6 * unsharp.norm()
    assert A.pinv(problem.y).mean() == pytest.approx(float(x.mean()), rel=0.05)
    assert A.estimate_std(problem.y) == pytest.approx(problem.noise_std, rel=0.1)


def test_pinv_of_flat_data_and_of_no_data():
    A = Blur(image_shape=SHAPE, boundary="valid", width=1.0)
    assert torch.allclose(A.pinv(torch.full((1, 1, *A.range_shape), 3.0)), torch.tensor(3.0))
    assert not A.pinv(torch.zeros(1, 1, *A.range_shape)).any()


def test_pinv_of_a_kernel_that_sums_to_zero_leaves_the_mean_out():
    """Its sum is rounding, ``0.1 + 0.2 - 0.3``, and the data have a mean that no image explains."""
    k = np.array([[0.1, 0.2, -0.3]])
    assert k.sum() != 0
    A = Blur(image_shape=SHAPE, kernel="custom", kernel_values=k, normalise=False)
    x = torch.randn(1, 1, *SHAPE, dtype=torch.float64)
    found = A.pinv(A(x) + 0.5)
    assert abs(float(found.mean())) < 1e-9
    assert found.norm() > 0.1 and torch.allclose(found, A.pinv(A(x)))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"kernel": "custom"}, "kernel_values is missing"),
        ({"kernel_values": [[1.0]]}, "kernel = 'gaussian'"),
        ({"kernel": "custom", "kernel_values": [1.0, 2.0]}, "rows and columns"),
        ({"kernel": "custom", "kernel_values": [[1j]]}, "must be real"),
        ({"kernel": "custom", "kernel_values": [[0.0, 0.0]]}, "all zero"),
        ({"kernel": "custom", "kernel_values": [[1.0, -1.0]]}, "set normalise to false"),
        ({"kernel": "custom", "kernel_values": [[1.0, np.nan]]}, "NaN"),
        ({"kernel": "custom", "kernel_values": np.ones((3, 23))}, "3 x 23 pixels is larger than the image of 17 x 22"),
        ({"boundary": "valid", "width": 5.0}, "41 x 41 pixels is larger"),
        ({"width": 0.0}, "width"),
        ({"image_shape": (0, 3)}, "between 1 and 32768"),
    ],
)
def test_bad_input(parameters, words):
    with pytest.raises(InputError, match=words):
        build(operators, {"name": "blur", "params": {"image_shape": SHAPE, **parameters}})


def test_no_closed_form_with_the_valid_boundary():
    A = Blur(image_shape=SHAPE, boundary="valid", width=1.0)
    assert not A.closed_form
    with pytest.raises(NotImplementedError):
        A.solve_shifted(torch.ones(1, 1, *SHAPE), 1.0)

"""The transpose in slabs of the grid, against the plain one; and the coarser grid of filtered back-projection."""

import numpy as np
import pytest
import torch

from napari_mlpatch.operators import ParallelBeam, narrow, slabs
from napari_mlpatch.operators.gridding import axis_of
from napari_mlpatch.operators.nufft import Nufft2d


@pytest.mark.parametrize("shape", [(24, 31), (31, 24), (1, 9), (2, 3)])
@pytest.mark.parametrize("count", [1, 2, 3, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("slab", [1, 200, 1 << 20])
def test_same_as_the_plain_transpose(shape, count, dtype, slab, monkeypatch):
    monkeypatch.setattr(slabs, "SLAB", slab)
    monkeypatch.setattr(narrow, "PIECE", slab)
    omega = np.random.default_rng(0).uniform(-4, 4, (3000, 2)) * np.random.default_rng(1).random((3000, 1)) ** 2
    nufft = Nufft2d(shape, omega, oversampling=1.5, dtype=dtype)
    f = torch.randn(count, 3000, dtype=nufft.phase.dtype)
    before = f.clone()
    expected = nufft.transpose(f)
    assert (slabs.transposed(nufft, f) - expected).norm() < (
        1e-6 if dtype == torch.float32 else 1e-14
    ) * expected.norm()
    assert torch.equal(f, before)


@pytest.mark.parametrize(("width", "oversampling"), [(2, 2.1), (7, 1.5), (7, 2.1), (12, 2.1), (13, 2.1)])
def test_weights_are_those_of_the_kernel(width, oversampling):
    axis = axis_of(50, width, oversampling)
    omega = np.r_[np.random.default_rng(0).uniform(-7, 7, 500), 0.0, np.pi, 2 * np.pi * np.arange(5) / axis.grid]
    index, weight = axis.neighbours(omega, quickly=True)
    distance = omega[:, None] * (axis.grid / (2 * np.pi)) - index
    assert (np.abs(distance) <= width / 2 + 1e-9).all()
    np.testing.assert_allclose(weight, axis.kernel(distance), atol=1e-11)


def test_filtered_back_projection_in_single_precision():
    """Of white noise, in which all frequencies are: its grid is coarser than that of Aᵀ."""
    A = ParallelBeam((64, 60), "0:180:90", 64)
    y = torch.randn(2, 1, 90, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = A.fbp(y)
    assert (A.fbp(y.float()) - exact).norm() < 2e-5 * exact.norm()


def test_derivative_of_the_coarser_one_is_its_transpose():
    A = ParallelBeam((20, 23), "0:180:17", 26, center=11.2)
    y = torch.randn(3, 1, 17, 26, generator=torch.Generator().manual_seed(0), requires_grad=True)
    x = A.fbp(y, padding="zero")
    z = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad(x, y, z)
    found, expected = float((gradient * y.detach()).sum()), float((x.detach() * z).sum())
    assert abs(found - expected) < 1e-5 * float(x.detach().norm() * z.norm())


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_the_transform_itself_is_differentiable(count):
    """Against Aᵀ, for numbers of images that are moved in different ways."""
    omega = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    nufft = Nufft2d((8, 9), omega, dtype=torch.float64)
    x = torch.randn(count, 8, 9, dtype=torch.float64, requires_grad=True)
    f = torch.randn(count, 50, dtype=torch.complex128)
    (gradient,) = torch.autograd.grad((nufft(x) * f.conj()).real.sum(), x)
    assert (gradient - nufft.transpose(f)).norm() < 1e-12 * gradient.norm()


def test_samples_that_are_conjugated_when_they_are_used():
    nufft = Nufft2d((8, 9), np.random.default_rng(0).uniform(-3, 3, (50, 2)))
    f = torch.randn(3, 50, dtype=torch.complex64)
    expected = nufft.transpose(f.conj().resolve_conj())
    assert (slabs.transposed(nufft, f.conj()) - expected).norm() < 1e-6 * expected.norm()

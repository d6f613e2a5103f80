"""The discrete gradient and what total variation is made of, against formulas and brute force."""

import numpy as np
import pytest
import torch

from napari_mlpatch.solvers.gradient import (
    gradient,
    gradient_norm,
    gradient_transpose,
    laplacian_symbol,
    shrink,
    total_variation,
)

SHAPES = [(6, 9), (7, 4), (1, 5), (5, 1), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_the_forward_difference(shape):
    x = torch.randn(2, 3, *shape)
    rows, columns = gradient(x)
    assert np.allclose(rows[..., :-1, :], np.diff(x, axis=-2)) and (rows[..., -1, :] == 0).all()
    assert np.allclose(columns[..., :-1], np.diff(x, axis=-1)) and (columns[..., -1] == 0).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_transpose(shape, dtype):
    x, g = torch.randn(2, 1, *shape, dtype=dtype), torch.randn(2, 2, 1, *shape, dtype=dtype)
    there = torch.vdot(g.flatten(), gradient(x).flatten())
    back = torch.vdot(gradient_transpose(g).flatten(), x.flatten())
    assert abs(there - back) < 1e-12 * (x.norm() * g.norm() + 1)


@pytest.mark.parametrize("shape", [(6, 9), (7, 4), (1, 5)])
def test_symbol_is_that_of_the_periodic_laplacian(shape):
    x = torch.randn(shape, dtype=torch.float64)
    exact = 4 * x - sum(x.roll(step, axis) for step in (-1, 1) for axis in (0, 1))
    found = torch.fft.irfft2(torch.fft.rfft2(x) * laplacian_symbol(x), s=shape)
    assert torch.allclose(found, exact)


@pytest.mark.parametrize("isotropic", [True, False])
def test_total_variation_of_a_square(isotropic):
    """Of side 4 and height 3: its perimeter times its height; at its lower right corner, both differences meet."""
    x = torch.zeros(2, 1, 10, 10)
    x[:, :, 3:7, 3:7] = 3.0
    corner = 3 * (2 - np.sqrt(2)) if isotropic else 0
    assert total_variation(x, isotropic) == pytest.approx(2 * (16 * 3 - corner))
    assert total_variation(torch.full((1, 1, 5, 5), 7.0), isotropic) == 0


@pytest.mark.parametrize("isotropic", [True, False])
@pytest.mark.parametrize("g", [(3.0, -4.0), (0.2, 0.1), (0.0, 0.0), (-2.0, 0.5), (0.0, 1.0)])
def test_shrink_minimises(isotropic, g):
    """``½ |z - g|² + threshold |z|``, by trying out all z on a fine grid."""
    threshold = 0.7
    axis = np.linspace(-5, 5, 1001)
    z0, z1 = axis[:, None], axis[None, :]

    def cost(a, b):
        length = np.hypot(a, b) if isotropic else np.abs(a) + np.abs(b)
        return 0.5 * ((a - g[0]) ** 2 + (b - g[1]) ** 2) + threshold * length

    field = torch.tensor(g, dtype=torch.float64).reshape(2, 1, 1, 1, 1)
    found = shrink(field, threshold, isotropic).flatten().tolist()
    assert cost(*found) <= cost(z0, z1).min() + 1e-12
    best = np.unravel_index(cost(z0, z1).argmin(), (1001, 1001))
    assert np.allclose(found, (axis[best[0]], axis[best[1]]), atol=0.011)


@pytest.mark.parametrize("isotropic", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_shrink_at_the_ends(isotropic, dtype):
    g = torch.randn(2, 1, 1, 5, 5, dtype=dtype)
    g[..., 0] = 0
    assert torch.allclose(shrink(g, 0.0, isotropic), g)
    assert (shrink(g, 1e3, isotropic) == 0).all()
    for scale in (1e-25, 1e25):
        assert torch.allclose(shrink(g * scale, 0.5 * scale, isotropic) / scale, shrink(g, 0.5, isotropic), atol=1e-6)
        assert torch.allclose(gradient_norm(g * scale, isotropic) / scale, gradient_norm(g, isotropic), atol=1e-6)

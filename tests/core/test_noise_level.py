"""Noise of known strength on pictures with edges."""

import pytest
import torch

from napari_mlpatch.core.noise_level import from_image, from_smooth


@pytest.fixture
def edges():
    x = torch.zeros(1, 1, 96, 96, dtype=torch.float64)
    x[..., ::6] = 1.0
    x[..., 30:60, :] += 2.0
    return x


def test_edges_along_the_axes_do_not_count(edges):
    noisy = edges + 0.1 * torch.randn_like(edges)
    assert from_image(noisy) == pytest.approx(0.1, rel=0.05)
    assert from_smooth(noisy) > 0.13
    assert from_image(edges) == 0.0


def test_complex_noise(edges):
    noise = torch.randn_like(edges.to(torch.complex128))
    assert from_image(edges + 0.3 * noise) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("shape", [(2, 4000), (4000, 2)])
def test_narrow_pictures(shape):
    assert from_image(0.5 * torch.randn(1, 1, *shape)) == pytest.approx(0.5, rel=0.1)
    assert from_image(torch.ones(1, 1, 2, 2)) == 0.0

"""The contractive CNN: its bound, by power iteration on images of several sizes."""

import pytest
import torch

from napari_mlpatch import networks


def trained_looking(scale=1.0, **params):
    """With weights as no start has them."""
    network = networks.build("spectral-cnn", {"depth": 4, "width": 8, **params}).double()
    for layer in network.layers:
        torch.nn.init.normal_(layer.weight, std=scale)
        torch.nn.init.normal_(layer.bias)
    return network


def gain(f, shape, steps):
    """The largest singular value of f's Jacobian at a random image, by power iterations."""
    x, v = torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    for _ in range(steps):
        v = torch.autograd.functional.vjp(f, x, torch.autograd.functional.jvp(f, x, v / v.norm())[1])[1]
    return float(v.norm()) ** 0.5


@pytest.mark.parametrize("size", [(5, 7), (12, 30)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_a_convolution_has_a_norm_of_at_most_one(size, scale):
    for layer in trained_looking(scale).layers:
        kernel = layer.kernel()
        found = gain(lambda x, k=kernel: torch.nn.functional.conv2d(x, k, padding=1), (1, kernel.shape[1], *size), 12)
        assert 0.2 < found <= 1 + 1e-9  # not much is lost by the bound, either


@pytest.mark.parametrize("lipschitz", [0.5, 1.0])
@pytest.mark.parametrize("size", [(6, 5), (20, 24)])
def test_the_denoiser_keeps_its_constant(lipschitz, size):
    network = trained_looking(lipschitz=lipschitz, channels=2)
    shape = (1, 2, *size)
    assert network.lipschitz == (1 + lipschitz) / 2
    assert gain(network, shape, 10) <= network.lipschitz + 1e-9
    for size_of_step in (1e-3, 1.0, 100.0):
        x, d = torch.randn(shape, dtype=torch.float64), size_of_step * torch.randn(shape, dtype=torch.float64)
        moved = network(x + d) - network(x)
        assert moved.norm() <= network.lipschitz * d.norm()
        assert (moved * d).sum() >= moved.square().sum() - 1e-9  # firmly nonexpansive, as proximal maps are


def test_at_first_and_without_values():
    network = networks.build("spectral-cnn", {"channels": 3, "lipschitz": 1.0})
    x = torch.rand(2, 3, 9, 11)
    change = network(x, 0.1) - x
    assert change.shape == x.shape and 0 < change.norm() < 0.2 * x.norm(), "at first it is nearly the identity"
    outline = networks.outline("spectral-cnn", {"width": 16})
    assert {key: v.shape for key, v in networks.build("spectral-cnn", {"width": 16}).state_dict().items()} == {
        key: v.shape for key, v in outline.state_dict().items()
    }


def test_bfloat16_in_the_convolutions_only():
    network = networks.build("spectral-cnn", {"width": 16})
    x = torch.rand(1, 1, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        kernels, rough = network.kernels(), network(x)
    assert all(kernel.dtype == torch.float32 for kernel in kernels) and rough.dtype == torch.float32
    assert (rough - network(x)).abs().max() < 0.02

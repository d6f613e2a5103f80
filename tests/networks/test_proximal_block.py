"""The step that the unrolled and the deep-equilibrium network share: its bound, its derivative, what it computes."""

from typing import Any

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.registry import operators
from napari_mlpatch.networks.positive import Positive
from napari_mlpatch.networks.proximal_block import BoundedConvolution, BoundedDenoiser, ProximalStep


def matrix_norm(weight, side):
    """The largest singular value of a convolution with zeros around, of its whole matrix."""
    unit = torch.eye(weight.shape[1] * side**2, dtype=weight.dtype).view(-1, weight.shape[1], side, side)
    return float(torch.linalg.matrix_norm(torch.nn.functional.conv2d(unit, weight, padding=1).flatten(1), 2))


def test_the_norm_is_that_of_the_convolution(monkeypatch):
    monkeypatch.setattr("napari_mlpatch.networks.proximal_block.SIDE", 7)
    torch.manual_seed(0)
    layer = BoundedConvolution(3, 4).double()
    for _ in range(60):  # steps of a training
        layer.norm()
    layer.eval()
    exact = matrix_norm(layer.weight.detach(), 7)
    assert layer.norm().item() == pytest.approx(exact, rel=1e-3)
    before = layer.vector.clone()
    layer.norm()
    assert torch.equal(before, layer.vector)  # use changes nothing
    with torch.no_grad():
        layer.weight.mul_(5 / exact)
    assert matrix_norm(layer()[0].detach(), 7) == pytest.approx(1.0, rel=1e-3)
    with torch.no_grad():
        layer.weight.mul_(0.1)
    assert matrix_norm(layer()[0].detach(), 7) == pytest.approx(0.5, rel=1e-3)  # below the bound: as it is


def test_larger_images_have_nearly_the_same_norm():
    torch.manual_seed(0)
    layer = BoundedConvolution(2, 2)
    layer.vector = layer._iterated(100)
    symbol = torch.fft.fft2(layer.weight.detach(), (64, 64)).permute(2, 3, 0, 1)  # of an image without end
    limit = torch.linalg.matrix_norm(symbol, 2).max().item()
    assert 0.99 * limit <= layer.norm().item() <= limit


def test_the_denoiser_has_the_lipschitz_constant_of_its_bound():
    torch.manual_seed(0)
    denoise = BoundedDenoiser(1, width=4, depth=4, bound=0.9).double()
    with torch.no_grad():
        for parameter in denoise.parameters():
            parameter.mul_(10)
    denoise.eval()
    for layer in denoise.convolutions:
        layer.vector = layer._iterated(30)
    x = torch.randn(8, 1, 24, 24, dtype=torch.float64)
    h = 1e-3 * torch.randn_like(x)
    moved = ((denoise(x + h) - x - h) - (denoise(x) - x)).flatten(1).norm(dim=1) / h.flatten(1).norm(dim=1)
    assert 0 < moved.max().item() <= 0.9**4 * 1.01


def test_the_bound_is_differentiated(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr("napari_mlpatch.networks.proximal_block.SIDE", 7)
    layer = BoundedConvolution(2, 3).double().eval()
    layer.vector = layer._iterated(300)
    with torch.no_grad():
        layer.weight.mul_(4)
    (gradient,) = torch.autograd.grad(layer.norm(), layer.weight)
    h = 1e-5 * torch.randn_like(layer.weight)
    with torch.no_grad():
        layer.weight.add_(h)
        above = layer.norm()
        layer.weight.sub_(2 * h)
        below = layer.norm()
    assert (above - below).item() / 2 == pytest.approx(float((gradient * h).sum()), rel=1e-4)


@pytest.mark.parametrize("name", ["blur", "mri-cartesian"])
def test_without_denoiser_it_is_gradient_descent(name):
    A = operators.get(name)(image_shape=(12, 10))
    step = ProximalStep(2 if A.complex_image else 1, width=4, depth=2, step=0.7).double()
    with torch.no_grad():
        for parameter in step.denoiser.parameters():
            parameter.zero_()
    y = A(torch.rand(2, 1, 12, 10, dtype=torch.float64))
    x, b = A.pinv(y), A.T(y)
    assert torch.allclose(step.at(A, b)(x), x - 0.7 * (A.T(A(x)) - b), rtol=1e-6)


def test_positive_numbers_start_where_they_are_told():
    for value in (1e-4, 0.05, 1.0, 30.0):
        assert Positive(value)().item() == pytest.approx(value, rel=1e-5)
    assert Positive(torch.tensor([0.1, 2.0]))().tolist() == pytest.approx([0.1, 2.0])


def test_unrolled_iterates_are_the_step_again_and_again():
    A = mp.operators.Blur(image_shape=(16, 16), width=1.0)
    network: Any = networks.build("proximal-gradient", {"iterations": 3, "width": 4, "depth": 3}).eval()
    y = A(torch.rand(2, 1, 16, 16))
    f = network.block.at(A, A.T(y))
    iterates = list(network.iterates(y, A))
    assert len(iterates) == network.iterations == 3
    assert torch.allclose(iterates[2], f(f(f(A.T(y)))), atol=1e-6)
    network.iterations = 5  # more than it was made for
    assert torch.allclose(network(y, A), f(f(iterates[2])), atol=1e-6)
    network(y, A).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())

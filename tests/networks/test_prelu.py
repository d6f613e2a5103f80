"""The rectifier with learned slopes."""

import pytest
import torch
from torch import nn

from napari_mlpatch.networks.prelu import PReLU


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_it_is_that_of_pytorch(kind):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 9, 7).to(kind).contiguous(memory_format=torch.channels_last)
    x[0, :, 0, 0] = 0.0
    grad = torch.randn(2, 3, 9, 7).to(kind)
    found = []
    for make in (PReLU, nn.PReLU):
        layer = make(3, init=0.2)
        layer.weight.data[1] = -0.5
        given = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
            y = layer(given)
        y.backward(grad)
        found.append((y.detach(), given.grad, layer.weight.grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6 if kind == torch.float32 else 1e-2, atol=1e-6)
        assert ours.dtype == theirs.dtype
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=0)


def test_its_derivatives_are_differentiable():
    torch.manual_seed(0)
    layer = PReLU(2, init=0.3).double()
    x = torch.randn(1, 2, 4, 3, dtype=torch.float64, requires_grad=True)

    def f(x, slopes):
        return torch.func.functional_call(layer, {"weight": slopes}, (x,))

    assert torch.autograd.gradcheck(f, (x, layer.weight)) and torch.autograd.gradgradcheck(f, (x, layer.weight))
    slope = torch.func.jvp(layer, (x.detach(),), (torch.ones_like(x.detach()),))[1]
    torch.testing.assert_close(slope, torch.where(x > 0, 1.0, 0.3).double())

"""What a step keeps for its derivative is counted before it is too much."""

import pytest
import torch
from torch import nn

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.training.activations import counted


def layers(count):
    return nn.Sequential(*[nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Tanh()) for _ in range(count)])


def passes(network, megabytes, monkeypatch, parts=1):
    """Whether the parts of a step with pictures of 1 MiB pass."""
    monkeypatch.setenv("MLPATCH_MEMORY_GB", str(megabytes / 1024))
    x = torch.rand(1, 1, 512, 512)
    try:
        with counted("A step with 7 images"):
            for _ in range(parts):
                network(x).square().mean().backward()
    except InputError as error:
        assert "A step with 7 images keeps more than" in str(error) and "fewer images" in str(error)
        return False
    return True


@pytest.mark.parametrize("count", [3, 9])
def test_each_layer_keeps_its_output_once(count, monkeypatch):
    network = layers(count)
    assert passes(network, count + 1.5, monkeypatch) and not passes(network, count - 0.5, monkeypatch)


def test_parts_that_come_one_after_the_other_are_not_added_up(monkeypatch):
    network = layers(4)
    assert passes(network, 6.5, monkeypatch, parts=5)


def test_gradients_are_the_same():
    network, x = layers(3), torch.rand(1, 1, 32, 32)
    network(x).square().mean().backward()
    plain = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    with counted("A step"):
        network(x).square().mean().backward()
    assert all(torch.equal(p.grad, g) for p, g in zip(network.parameters(), plain, strict=True))

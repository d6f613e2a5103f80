"""Small networks with random weights, as trained weights with a card."""

import torch
from torch import nn

from napari_mlpatch import networks
from napari_mlpatch.core.recipe import Description, describe
from napari_mlpatch.networks import Reconstructor
from napari_mlpatch.networks.complex_channels import from_channels, to_channels
from napari_mlpatch.weights import Card, Weights

UNET = {"width": 4, "depth": 2}


def weights_of(network, A=None, **about):
    """Weights of this network and a card that says they were trained for A."""
    about = {
        "name": "tiny",
        "title": "Tiny",
        "method": network.config.method,
        "data": "none",
        "licence": "none",
    } | about
    if A is not None:
        about = {"operator": Description(**describe(A)), "operator_norm": A.norm or None} | about
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    total = sum(float(value.double().abs().sum()) for value in tensors.values())
    made = Description(**networks.describe(network))
    numbers = {"steps": 0, "seed": 0, "metrics": {}, "sha256": f"{hash((total, str(made))) % 16**64:064x}"}
    return Weights(tensors, Card(**({"architecture": made} | numbers | about)))


def unet(A, *, channels=1, strength=0.01, seed=0, **about):
    """A U-Net that changes the quick picture a little."""
    torch.manual_seed(seed)
    network = networks.build("fbpconvnet", UNET | {"channels": 2 * channels if A.complex_image else channels})
    for value in network.unet.last.parameters():
        value.data *= strength
    return weights_of(network, A, **about)


def equilibrium():
    """Deep equilibrium with a denoiser that changes little, as at the start of its training."""
    torch.manual_seed(0)
    return networks.build("de-prox", {"depth": 2, "width": 4, "lipschitz": 1.0, "iterations": 5}).requires_grad_(False)


class Descent(Reconstructor):
    """Gradient steps, each followed by the same small convolution: not registered, to be given as a module."""

    def __init__(self, iterations=12, channels=1):
        super().__init__()
        self.iterations = iterations
        self.filter = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate", bias=False)
        nn.init.normal_(self.filter.weight, std=0.01)
        self.requires_grad_(False)

    def iterates(self, y, A):
        x = A.pinv(y)
        for _ in range(self.iterations):
            x = x - A.T(A(x) - y)
            x = x + from_channels(self.filter(to_channels(x)), x)
            yield x

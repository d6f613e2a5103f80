"""U-Net: published sizes, any image size, the noise level as a channel."""

import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError


@pytest.mark.parametrize(("width", "parameters"), [(64, 31_036_481), (32, 7_762_465), (16, 1_942_289)])
def test_parameter_counts(width, parameters):
    with torch.device("meta"):
        network = networks.build("unet", {"width": width})
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_any_image_size():
    network = networks.build("unet", {"width": 4, "depth": 2}).eval()
    x = torch.rand(1, 1, 17, 22)
    whole = network(torch.nn.functional.pad(x, (0, 2, 0, 3), mode="replicate"))
    assert torch.equal(network(x), whole[..., :17, :22])


def test_residual_and_noise_level():
    torch.manual_seed(0)
    network = networks.build("unet", {"width": 4, "depth": 1, "residual": True, "noise_input": True}).eval()
    x = torch.rand(2, 1, 8, 8)
    assert not torch.equal(network(x, 0.1), network(x, 0.3))
    both = network(x, torch.tensor([0.1, 0.3]))
    assert torch.allclose(both[0], network(x, 0.1)[0], atol=1e-6)
    assert torch.allclose(both[1], network(x, 0.3)[1], atol=1e-6)
    with torch.no_grad():
        for p in network.last.parameters():  # type: ignore[union-attr]
            p.zero_()
    assert torch.equal(network(x, 0.1), x)
    with pytest.raises(InputError, match="give sigma"):
        network(x)

"""Networks by name, and the refusal of tensors that are none of theirs."""

import math

import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import architectures

TINY = {"head": "mlp", "widths": [4], "rings": 2, "rays": 3}


def test_unknown_names_and_parameters():
    with pytest.raises(InputError, match=r"Unknown architecture 'resnet'. Known: .*mlpatch"):
        networks.build("resnet")
    with pytest.raises(InputError, match=r"architecture 'mlpatch': unknown parameter 'width' \(known: channels"):
        networks.build("mlpatch", {"width": 3})
    with pytest.raises(InputError, match=r"rings: .*got 0"):
        networks.build("mlpatch", {"rings": 0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("scale"), "missing scale"),
        (lambda t: t.update(other=torch.zeros(1)), "unknown other"),
        (lambda t: t.update(points=torch.zeros(1)), r"points has shape \[1\], \[2, 3, 2\] was expected"),
        (lambda t: t["points"].fill_(torch.nan), "points holds NaN"),
        (lambda t: t.update(scale=torch.tensor(1j)), "scale holds complex"),
    ],
)
def test_tensors_that_do_not_fit(change, message):
    tensors = {k: v.clone() for k, v in networks.build("mlpatch", TINY).state_dict().items()}
    change(tensors)
    with pytest.raises(InputError, match=message):
        networks.from_tensors("mlpatch", TINY, tensors)


RIVALS = {
    "dncnn": {"depth": 3, "width": 4, "noise_input": True},
    "ircnn": {"width": 4, "bank": 2},
    "unet": {"width": 2, "depth": 1, "noise_input": True},
    "drunet": {"width": 2, "blocks": 1},
}


@pytest.mark.parametrize("name", RIVALS)
def test_bad_images_and_noise_levels_of_the_rivals(name):
    network = networks.build(name, RIVALS[name])
    x = torch.rand(2, 1, 16, 16)
    for sigma in (math.nan, math.inf, -0.1):
        with pytest.raises(InputError, match="finite number from 0 on"):
            network(x, sigma)
    with pytest.raises(InputError, match=r"one for each of 2 images, got \[3\]"):
        network(x, torch.tensor([0.1, 0.1, 0.1]))
    for other in (x.double(), x.half(), x.to(torch.int64)):
        with pytest.raises(InputError, match=r"computes in torch\.float32, the image is"):
            network(other, 0.1)
    assert network.double()(x.double(), 0.1).dtype == torch.float64


@pytest.mark.parametrize("name", [cls.name for cls in architectures if cls.method == "denoiser"])
def test_opening_draws_no_random_numbers(name):
    """A training may be about to use them. The network is whole, and its tensors are copies."""
    built = networks.build(name)
    tensors = {key: value.clone() for key, value in built.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    opened = networks.from_tensors(name, built.config, tensors)
    assert torch.equal(torch.rand(3), expected)
    assert not any(t.is_meta for t in [*opened.parameters(), *opened.buffers()])
    channels = getattr(built.config, "channels", 1)
    x = torch.rand(1, channels, 32, 32)
    with torch.no_grad():
        assert torch.equal(opened(x, 0.1), built.eval()(x, 0.1))
    for value in opened.state_dict().values():
        value.zero_()
    assert all(torch.equal(tensors[key], value) for key, value in built.state_dict().items())

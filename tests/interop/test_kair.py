"""State dicts as the authors' code (KAIR) lays them out: all keys used, right counts, right output."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.interop.kair import from_kair


def random(shapes):
    g = torch.Generator().manual_seed(0)
    return {key: 0.1 * torch.randn(shape, generator=g) for key, shape in shapes.items()}


def chain(count, step, channels=1, width=64, norm=False):
    """``model.N``: convolutions every ``step`` places (with batch normalisation, three from the second on)."""
    shapes, place = {}, 0
    for k in range(count):
        a, b = channels if k == 0 else width, channels if k == count - 1 else width
        shapes |= {f"model.{place}.weight": (b, a, 3, 3), f"model.{place}.bias": (b,)}
        if norm and 0 < k < count - 1:
            for name in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"model.{place + 1}.{name}"] = (b,)
            place += 1
        place += step
    state = random(shapes)
    for key in state:
        if key.endswith("running_var"):
            state[key] = state[key].abs() + 1
    if norm:
        state |= {
            key.replace("running_mean", "num_batches_tracked"): torch.tensor(3)
            for key in list(state)
            if key.endswith("running_mean")
        }
    return state


def drunet(channels=1, width=64, blocks=4):
    w = [width * 2**k for k in range(4)]
    shapes = {"m_head.weight": (w[0], channels + 1, 3, 3), "m_tail.weight": (channels, w[0], 3, 3)}

    def residual(place, width):
        for k in (0, 2):
            shapes[f"{place}.res.{k}.weight"] = (width, width, 3, 3)

    for level in range(3):
        for k in range(blocks):
            residual(f"m_down{level + 1}.{k}", w[level])
            residual(f"m_up{level + 1}.{k + 1}", w[level])
        shapes[f"m_down{level + 1}.{blocks}.weight"] = (w[level + 1], w[level], 2, 2)
        shapes[f"m_up{level + 1}.0.weight"] = (w[level + 1], w[level], 2, 2)
    for k in range(blocks):
        residual(f"m_body.{k}", w[3])
    return random(shapes)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (chain(17, 2), 555_137),
        (chain(17, 2, norm=True), 557_057),
        (chain(20, 2, channels=3), 668_227),
        (chain(7, 2), 185_857),
        (drunet(), 32_638_656),
    ],
    ids=["dncnn", "dncnn with batch norm", "dncnn colour blind", "ircnn", "drunet"],
)
def test_published_networks(state, expected):
    network = from_kair(state)
    assert count(network) == expected
    own = network.state_dict()
    assert len(own) == len(state)
    assert not any(p.requires_grad for p in network.parameters()) and not network.training


def test_bank_of_25():
    bank = {str(k): chain(7, 2) for k in range(25)}
    bank["3"]["model.12.bias"] += 1.0
    network = from_kair(bank)
    assert count(network) == 25 * 185_857
    x = torch.rand(2, 1, 16, 16)
    each = network(x, torch.tensor([8 / 255, 9 / 255]))  # the fourth network, and the fifth
    assert torch.allclose(each[0] + 1.0, network(x, 10 / 255)[0], atol=1e-5)
    assert torch.allclose(each[1], network(x, 10 / 255)[1], atol=1e-5)
    with pytest.raises(InputError, match="standard deviation"):
        network(x)


def test_dncnn_takes_off_what_its_chain_finds():
    state = chain(5, 2, width=8)
    x = torch.rand(1, 1, 12, 13)
    z = x
    for k in range(5):
        z = F.conv2d(z, state[f"model.{2 * k}.weight"], state[f"model.{2 * k}.bias"], padding=1)
        z = z.relu() if k < 4 else z
    assert torch.allclose(from_kair(state)(x), x - z, atol=1e-5)


def test_fdncnn_predicts_the_image():
    """It has a noise map and no residual (KAIR, models/network_dncnn.py); of seven layers it is still no IRCNN."""
    state = chain(7, 2, width=8)
    state["model.0.weight"] = torch.randn(8, 2, 3, 3, generator=torch.Generator().manual_seed(1))
    x = torch.rand(1, 1, 12, 13)
    z = torch.cat([x, torch.full_like(x, 0.1)], 1)
    for k in range(7):
        z = F.conv2d(z, state[f"model.{2 * k}.weight"], state[f"model.{2 * k}.bias"], padding=1)
        z = z.relu() if k < 6 else z
    assert torch.allclose(from_kair(state)(x, 0.1), z, atol=1e-5)


def test_drunet_pads_to_eights():
    network = from_kair(drunet(width=4, blocks=1))
    x = torch.rand(1, 1, 19, 24)
    assert network(x, 0.1).shape == x.shape
    inner = network(nn.functional.pad(x, (0, 0, 0, 5), mode="replicate"), 0.1)[..., :19, :]
    assert torch.allclose(network(x, 0.1), inner, atol=1e-6)
    with pytest.raises(InputError, match="standard deviation"):
        network(x)
    with pytest.raises(InputError, match=r"\[batch, 1, rows, columns\]"):
        network(x.expand(1, 3, 19, 24), 0.1)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"features.0.weight": torch.zeros(3, 3, 3, 3)},
        {"m_head.weight": torch.zeros(4, 2, 3, 3)},
        {"0": {}},
        drunet(width=2, blocks=1) | {"m_head.weight": torch.tensor(1.0)},
        drunet(width=2, blocks=1) | {"m_head.weight": torch.ones(3)},
        drunet(width=2, blocks=1) | {"m_head.weight": {}},
        drunet(width=2, blocks=1) | {"m_tail.weight": torch.tensor(1.0)},
        chain(5, 2, width=4) | {"model.2.bias": {"a": torch.ones(4)}},
        {"0": chain(7, 2) | {"model.2.bias": {}}},
    ],
)
def test_other_networks(state):
    with pytest.raises(InputError):
        from_kair(state)


def test_missing_and_unknown_tensors():
    state = chain(17, 2)
    del state["model.4.bias"]
    with pytest.raises(InputError, match=r"missing model\.4\.bias"):
        from_kair(state)
    with pytest.raises(InputError, match="unknown extra"):
        from_kair(drunet(width=4, blocks=1) | {"extra": torch.zeros(1)})

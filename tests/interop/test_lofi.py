"""Imported checkpoints of the authors' release against its forward pass, written down again from its equations."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.explore.microscope import look
from napari_mlpatch.interop.lofi import from_lofi

SIZE, N, M = 20, 9, 9


def released(shape, channels, outputs, filtered, hidden=24, layers=3):
    """A state dict of random values, laid out as the release lays it out."""
    g = torch.Generator().manual_seed(channels + 10 * filtered)
    if shape == "round":
        angle = torch.arange(M) * (2 * math.pi / M)
        ring = torch.stack([angle.cos(), angle.sin()], -1) / (2 * SIZE)
        patch = torch.arange(N)[:, None, None] * ring
    else:
        axis = torch.arange(-(N // 2), N // 2 + 1) / SIZE
        patch = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1)[None]
    read = channels * N if not filtered else (2 * channels if channels == 2 else 3 * channels) * N
    state = {"patch": patch + 0.01 * torch.randn(patch.shape, generator=g), "patch_scale": torch.tensor([1.2])}

    def chain(name, inputs, out):
        sizes = [inputs, *[hidden] * layers, out]
        for k, (a, b) in enumerate(itertools.pairwise(sizes)):
            state[f"{name}.fcs.{k}.weight"] = torch.randn(b, a, generator=g) * (2 / a) ** 0.5
            state[f"{name}.fcs.{k}.bias"] = 0.1 * torch.randn(b, generator=g)

    for m in range(M):
        chain(f"MLP.{m}", read, 100)
    chain("mixer_MLP", M * 100, outputs)
    if filtered:
        count, side = (1 if channels == 2 else channels), SIZE + 10
        noise = torch.view_as_complex(torch.randn(1, count, side, side, 2, generator=g))
        state["filter"] = 1 + 0.3 * noise
    return state


def forward(state, x):
    """``[B, C, S, S] -> [B, outputs, S, S]`` on the pixel grid."""
    if "filter" in state:
        padded = F.pad(x, (5, 5, 5, 5))
        padded = torch.complex(padded[:, :1], padded[:, 1:2]) if x.shape[1] == 2 else padded
        kept = torch.fft.ifft2(torch.fft.fft2(padded) * state["filter"])[..., 5 : 5 + SIZE, 5 : 5 + SIZE]
        x = torch.cat([kept.real, kept.imag, x], 1)
    axis = torch.linspace(-1, 1, SIZE)
    centres = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 1, 1, 2)
    grid = centres + state["patch_scale"] * state["patch"].reshape(N, M, 2)
    grid = grid.reshape(1, -1, M, 2).flip(-1).expand(len(x), -1, -1, -1)
    values = F.grid_sample(x, grid, mode="bicubic", align_corners=True, padding_mode="reflection")
    values = values.reshape(len(x), x.shape[1], SIZE * SIZE, N, M).permute(0, 2, 1, 3, 4).flatten(0, 1)

    def chain(name, v):
        depth = sum(key.startswith(f"{name}.fcs.") and key.endswith("weight") for key in state)
        for k in range(depth):
            v = F.linear(v, state[f"{name}.fcs.{k}.weight"], state[f"{name}.fcs.{k}.bias"])
            v = v.relu() if k < depth - 1 else v
        return v

    out = chain("mixer_MLP", torch.cat([chain(f"MLP.{m}", values[..., m].flatten(1)) for m in range(M)], 1))
    return out.reshape(len(x), SIZE, SIZE, -1).permute(0, 3, 1, 2)


@pytest.mark.parametrize("filtered", [False, True], ids=["plain", "filtered"])
@pytest.mark.parametrize("shape", ["round", "square"])
@pytest.mark.parametrize(("channels", "outputs"), [(1, 1), (2, 1), (3, 3)])
def test_same_output(shape, channels, outputs, filtered):
    state = released(shape, channels, outputs, filtered)
    network = from_lofi(state, image_size=SIZE)
    x = torch.rand(2, channels, SIZE, SIZE, generator=torch.Generator().manual_seed(5))
    expected = forward(state, x)
    found = network(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_image_size_comes_from_the_filter():
    network: Any = from_lofi(released("round", 1, 1, True))
    assert network.config.filter_size == SIZE
    with pytest.raises(InputError, match=f"{SIZE} pixels, not 64"):
        from_lofi(released("round", 1, 1, True), image_size=64)


@pytest.mark.parametrize("shape", ["round", "square"])
def test_the_start_of_the_patch(shape):
    """The microscope shows how far the points have moved since; the random ones here 0.12 px on average."""
    network: Any = from_lofi(released(shape, 1, 1, False), image_size=SIZE)
    assert network.config.geometry == shape and network.config.radius == pytest.approx(2 * (SIZE - 1) / SIZE)
    network.scale.fill_(1.0)
    moved = look(network, np.zeros((SIZE, SIZE), np.float32), 10.0, 9.0, 0.1).moved
    assert moved.mean() == pytest.approx(0.01 * (SIZE - 1) / 2 * math.sqrt(math.pi / 2), rel=0.2)


def test_an_unknown_start():
    state = released("round", 1, 1, False)
    state["patch"] = 18 * (torch.rand(N, M, 2, generator=torch.Generator().manual_seed(0)) - 0.5) / SIZE
    network: Any = from_lofi(state, image_size=SIZE)
    assert network.config.geometry == "random"
    assert look(network, np.zeros((SIZE, SIZE), np.float32), 10.0, 9.0, 0.1).moved.max() == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MLP_deforms.0.fcs.0.weight": torch.zeros(1)}, "CCPG"),
        ({"INR.fcs.0.weight": torch.zeros(1)}, "coordinate warp"),
        ({"patch": None}, "no released LoFi checkpoint"),
        ({"MLP.3.fcs.1.bias": None}, r"lacks 'MLP\.3\.fcs\.1\.bias'"),
        ({"mixer_MLP.fcs.0.weight": torch.zeros(7, 7)}, "shape"),
        ({"MLP.0.fcs.0.weight": torch.zeros(24, 45)}, "rays differ"),
        ({"patch": torch.zeros(81, 2)}, r"patch of shape \[81, 2\]"),
        ({"patch_scale": torch.ones(2)}, r"scale of shape \[2\]"),
        ({"patch": torch.zeros(0, 9, 2)}, r"patch of shape \[0, 9, 2\]"),
        ({"patch": torch.zeros(9, 0, 2)}, r"patch of shape \[9, 0, 2\]"),
        ({"patch": {"a": torch.zeros(1)}}, "no released LoFi checkpoint"),
        ({"mixer_MLP.fcs.0.bias": {"a": torch.zeros(1)}}, "no released LoFi checkpoint"),
        ({"MLP.0.fcs.0.weight": torch.tensor(1.0)}, r"MLP\.0\.fcs\.0 has weights of shape \[\]"),
        ({"mixer_MLP.fcs.3.bias": torch.tensor(1.0)}, r"mixer_MLP\.fcs\.3 has .* biases of shape \[\]"),
        ({"filter": torch.tensor(1j)}, r"filter is torch\.complex64 of shape \[\]"),
        ({"filter": torch.ones(1, 1, 30, 30)}, "filter is torch.float32"),
        ({f"mixer_MLP.fcs.{k}.{w}": None for k in range(4) for w in ("weight", "bias")}, "lacks mixer_MLP"),
    ],
)
def test_other_architectures(change, message):
    state = {k: v for k, v in (released("round", 1, 1, False) | change).items() if v is not None}
    with pytest.raises(InputError, match=message):
        from_lofi(state)


@pytest.mark.parametrize("size", [-5, 0, 1])
def test_size_of_the_training_images(size):
    with pytest.raises(InputError, match=f"at least 2 pixels a side, not {size}"):
        from_lofi(released("round", 1, 1, False), image_size=size)

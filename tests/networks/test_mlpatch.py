"""The network: fast path beside grid_sample, locality, equivariance, parameter counts, bad input."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.mlpatch import MLPatch
from napari_mlpatch.networks.mlpatch_config import MLPatchConfig

SMALL = {"head": "mlp", "widths": (24, 24)}
KINDS = {
    "multimlp": {"ray_widths": (20, 20), "ray_features": 8, "widths": (24,)},
    "mlp": {**SMALL, "rings": 5, "rays": 7, "radius": 3.3},
    "mlp folded": {"head": "mlp", "widths": (6,), "geometry": "square", "radius": 2.5, "subtract_mean": True},
    "residual": {**SMALL, "residual": True, "subtract_mean": True, "geometry": "random"},
    "no noise input": {**SMALL, "noise_input": False, "channels": 3},
    "deformed": {**SMALL, "deformations": 2, "channels": 2, "deformation_width": 16, "max_offset": 1.5},
    "deformed rays": {"ray_widths": (20,), "deformations": 1, "channels": 3, "subtract_mean": True},
    "filter": {**SMALL, "filter_size": 24, "channels": 3, "residual": True},
    "complex filter": {**SMALL, "filter_size": 16, "channels": 2, "out_channels": 1},
}


def network(seed=0, **params):
    """A network whose weights, patch and filter are all a little random."""
    torch.manual_seed(seed)
    made = networks.build("mlpatch", params)
    with torch.no_grad():
        for p in made.parameters():
            p += 0.05 * torch.randn_like(p)
    return made


def plain(net, x, sigma):
    """The same function written down: one grid_sample of the whole patch for each pixel, and one loop over the rays.

    Only the perceptrons' arrays are the network's; nothing is shared with its evaluation.
    """
    config, half = net.config, torch.tensor([n - 1.0 for n in x.shape[-2:]]) / 2
    q = x if net.filter is None else net.filter(x)
    rows, columns = x.shape[-2:]
    c = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), -1).reshape(-1, 1, 2)

    def read(offsets):
        grid = ((c + offsets) / half - 1).flip(-1).expand(len(x), -1, -1, -1)
        found = F.grid_sample(q, grid, mode="bicubic", align_corners=True, padding_mode="reflection")
        return found.permute(0, 2, 1, 3).flatten(0, 1)  # [B H W, C, K]

    def perceptron(stack, m, v):
        if stack.sigma_input:
            v = torch.cat([v, sigma.repeat_interleave(rows * columns)[:, None]], 1)
        for k, (w, b) in enumerate(zip(stack.weights, stack.biases, strict=True)):
            v = v @ w[m] + b[m]
            v = v.clamp(min=0) if k < len(stack.weights) - 1 else v
        return v

    shared = net.scale * net.points.reshape(-1, 2)
    values, move = read(shared), 0
    for block in net.deformations:
        seen = values - values.mean(-1, keepdim=True) if config.subtract_mean else values
        move = move + perceptron(block, 0, seen.flatten(1)).reshape(len(values), -1, 2)
        moved = (shared + config.max_offset * move.tanh()).reshape(len(x), rows * columns, -1, 2)
        values = torch.cat([F.grid_sample(
            q[b : b + 1], ((c + moved[b]) / half - 1).flip(-1)[None],
            mode="bicubic", align_corners=True, padding_mode="reflection",
        )[0].transpose(0, 1) for b in range(len(x))])  # fmt: skip
    mean = values.mean(-1, keepdim=True) if config.subtract_mean else torch.zeros(1, 1, 1)
    seen = values - mean
    if config.head == "mlp":
        out = perceptron(net.mixer, 0, seen.flatten(1))
    else:
        by_ray = seen.reshape(*seen.shape[:2], config.rings, config.rays)
        features = [perceptron(net.rays, m, by_ray[..., m].flatten(1)) for m in range(config.rays)]
        out = perceptron(net.mixer, 0, torch.cat(features, 1))
    out = out.reshape(len(x), rows, columns, -1).permute(0, 3, 1, 2)
    if config.residual:
        return x[:, : config.outputs] - out
    base = mean[:, : config.outputs, 0] if config.subtract_mean else torch.zeros(1, config.outputs)
    return out + (base.reshape(len(x), rows, columns, -1).permute(0, 3, 1, 2) if config.subtract_mean else 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [None, 40])
def test_the_grid_is_the_plain_path(kind, chunk):
    net = network(**KINDS[kind])
    x, sigma = torch.rand(2, net.config.channels, 23, 17), torch.tensor([0.05, 0.3])
    with torch.no_grad():
        fast, slow = net(x, sigma, chunk=chunk), plain(net, x, sigma)
    assert fast.shape == slow.shape == (2, net.config.outputs, 23, 17)
    assert slow.std() > 1e-3
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(net(x, sigma), fast, atol=1e-5, rtol=1e-5)  # with gradients: another code path


@pytest.mark.parametrize("kind", KINDS)
def test_at_integer_positions_it_is_the_grid(kind):
    net = network(**KINDS[kind])
    x, sigma = torch.rand(2, net.config.channels, 20, 26), 0.1
    coords = torch.tensor([[0.0, 0.0], [19.0, 25.0], [7.0, 3.0], [0.0, 13.0]])
    with torch.no_grad():
        grid, found = net(x, sigma), net.at(x, coords, sigma)
    rows, columns = coords.long().T
    torch.testing.assert_close(found, grid[:, :, rows, columns].transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_at_other_positions_for_each_image():
    net = network(**SMALL)
    x = torch.rand(2, 1, 20, 20)
    coords = torch.tensor([[[3.25, 4.5]], [[17.0, -0.4]]])
    with torch.no_grad():
        both = net.at(x, coords, 0.1)
        single = [net.at(x[b : b + 1], coords[b], 0.1) for b in range(2)]
    torch.testing.assert_close(both, torch.cat(single))


def test_at_a_half_pixel_on_a_ramp():
    """A network that gives the mean of its patch follows a linear ramp exactly, also between pixels."""
    net = network(**SMALL, subtract_mean=True)
    with torch.no_grad():
        net.points.copy_(networks.build("mlpatch", SMALL).points)  # point-symmetric rings
        net.mixer.weights[-1].zero_()
        net.mixer.biases[-1].zero_()
        x = torch.arange(32.0)[:, None].expand(32, 32)[None, None]
        found = net.at(x, torch.tensor([[12.5, 9.25], [15.125, 20.0]]), 0.1)
    # the rings of nine samples are not point-symmetric, but their mean is the centre
    assert found.flatten().tolist() == pytest.approx([12.5, 15.125], abs=2e-2)


@pytest.mark.parametrize(("channels", "count"), [(1, 3_446_504), (3, 3_507_186)])
def test_the_published_number_of_parameters(channels, count):
    net = MLPatch(MLPatchConfig(channels=channels, noise_input=False))
    assert sum(p.numel() for p in net.parameters()) == count


def test_round_patch_of_the_default():
    p = MLPatch(MLPatchConfig(ray_widths=(), widths=())).patch_points(torch.tensor([[5.0, 7.0]]))[0, 0]
    r = (p - torch.tensor([5.0, 7.0])).norm(dim=-1)
    torch.testing.assert_close(r, (torch.arange(9.0) * 127 / 512)[:, None].expand(9, 9), atol=1e-5, rtol=0)
    assert p.shape == (9, 9, 2)


def test_json_round_trip():
    net = network(**SMALL, geometry="square", channels=3)
    made_of = json.loads(json.dumps(networks.describe(net)))
    again = networks.from_tensors(made_of["name"], made_of["params"], net.state_dict())
    assert again.config == net.config
    x = torch.rand(1, 3, 12, 12)
    with torch.no_grad():
        assert torch.equal(again(x, 0.1), net(x, 0.1))


@pytest.mark.parametrize("kind", ["multimlp", "mlp", "residual", "deformed"])
def test_shift_equivariance_in_the_interior(kind):
    net = network(**KINDS[kind])
    x = torch.rand(1, net.config.channels, 40, 40)
    r = net.receptive_field()
    with torch.no_grad():
        a, b = net(x[..., 3:, 5:], 0.1), net(x, 0.1)[..., 3:, 5:]
    assert (a - b)[..., r:-r, r:-r].abs().max() <= 1e-4


@pytest.mark.parametrize("kind", ["multimlp", "mlp", "residual", "deformed", "deformed rays"])
def test_the_receptive_field_is_exact(kind):
    net = network(**KINDS[kind])
    with torch.no_grad():
        for block in net.deformations:
            block.biases[-1].fill_(50.0)  # the largest move
        net.points[0, 0] = net.points.abs().max() * 1.02  # a corner sample reads the outermost pixels on both axes
    r = net.receptive_field()
    x = torch.rand(1, net.config.channels, 41, 41, requires_grad=True)
    net(x, 0.1)[0, 0, 20, 20].backward()
    touched = x.grad[0].abs().sum(0).nonzero() - 20
    assert touched.abs().max() == r


def test_filter_and_warp_see_the_whole_image():
    assert network(**KINDS["filter"]).receptive_field() == math.inf
    assert network(**SMALL, warp_width=8).receptive_field() == math.inf


@pytest.mark.parametrize("kind", [*KINDS, "warp"])
def test_gradients_reach_all_that_is_learned(kind):
    net = network(**KINDS.get(kind, {**SMALL, "warp_width": 8}))
    net(torch.rand(1, net.config.channels, 16, 16), 0.1).square().mean().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name


def test_gradient_of_the_patch_is_right():
    net = network(**{**KINDS["mlp"], "rings": 2, "rays": 3}).double()
    x = torch.rand(1, 1, 12, 12, dtype=torch.float64)

    def of(points, scale):
        return torch.func.functional_call(net, {"points": points, "scale": scale}, (x, 0.1))[..., 4:7, 4:7]

    assert torch.autograd.gradcheck(of, (net.points, net.scale))


def test_new_deformations_and_warps_do_nothing():
    for extra in ({"deformations": 3}, {"warp_width": 8}):
        with_them = networks.build("mlpatch", {**SMALL, **extra})
        without = networks.build("mlpatch", SMALL)
        without.load_state_dict({k: v for k, v in with_them.state_dict().items() if k in without.state_dict()})
        x = torch.rand(1, 1, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(with_them(x, 0.1), without(x, 0.1), atol=1e-5, rtol=1e-5)


def test_patch_points_follow_the_deformation():
    net = network(**{**KINDS["deformed"], "channels": 1})
    image, coords = torch.rand(2, 1, 20, 20), torch.tensor([[4.0, 5.0], [10.0, 3.5]])
    p = net.patch_points(coords, image, 0.1)
    assert p.shape == (2, 2, 9, 9, 2)
    moved = p - coords[:, None, None] - (net.scale * net.points).detach()
    assert 0 < moved.abs().max() <= net.config.max_offset + 1e-5
    assert not torch.equal(moved[0], moved[1])


def test_the_filter_keeps_hermitian_symmetry_when_resampled():
    net = network(**{**SMALL, "filter_size": 20})
    with torch.no_grad():
        real = torch.randn(30, 30)
        net.filter.filter.copy_(torch.view_as_real(torch.fft.fft2(real))[None])
        for shape in ((30, 30), (41, 64), (25, 12)):
            kernel = torch.fft.ifft2(net.filter.resampled(*shape))
            assert kernel.imag.abs().max() < 1e-6 * shape[0]
        smooth = torch.exp(-torch.fft.fftfreq(30).square()[:, None] * 40 - torch.fft.fftfreq(30).square() * 40)
        net.filter.filter.copy_(torch.stack([smooth, torch.zeros(30, 30)], -1)[None])
        found = net.filter.resampled(64, 64)[0].real
        exact = torch.exp(-torch.fft.fftfreq(64).square()[:, None] * 40 - torch.fft.fftfreq(64).square() * 40)
        assert (found - exact).abs().max() < 2e-2


def test_a_new_filter_changes_nothing():
    x = torch.rand(1, 3, 18, 21)
    made = networks.build("mlpatch", {**SMALL, "filter_size": 24, "channels": 3}).prepare(x)
    torch.testing.assert_close(made, torch.cat([x, torch.zeros_like(x), x], 1), atol=1e-5, rtol=0)


def test_lower_precision_on_request():
    net = network(**SMALL)
    x = torch.rand(1, 1, 20, 20)
    with torch.inference_mode():
        exact, rough = net(x, 0.1), net(x, 0.1, dtype=torch.bfloat16)
    assert rough.dtype == torch.float32
    assert 0 < (exact - rough).abs().max() < 0.05 * exact.abs().max()


@pytest.mark.parametrize("kind", [*KINDS, "folded"])
def test_images_of_double_precision(kind):
    """Single-precision weights on them are as good as the same weights in double precision."""
    net = network(**KINDS.get(kind, {**SMALL, "widths": (2,), "subtract_mean": True}))
    x, sigma = torch.rand(2, net.config.channels, 17, 18, dtype=torch.float64), torch.tensor([0.05, 0.3])
    found = net(x, sigma)
    with torch.no_grad():
        quick, exact = net(x, sigma), net.double()(x, sigma.double())
    assert found.dtype == quick.dtype == torch.float64
    torch.testing.assert_close(found, exact, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(quick, exact, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.float16, torch.complex64])
def test_other_types_of_images(dtype):
    with pytest.raises(InputError, match=f"float32 or float64, got {dtype}"):
        networks.build("mlpatch", SMALL)(torch.ones(1, 1, 16, 16, dtype=dtype), 0.1)


def test_samples_are_read_in_full_precision_under_autocast():
    net = network(**SMALL, subtract_mean=True, deformations=1)
    with torch.no_grad():
        net.mixer.weights[-1].zero_()
        net.mixer.biases[-1].zero_()
        net.deformations[0].weights[-1].zero_()
        net.deformations[0].biases[-1].zero_()
    u = torch.rand(5, 1, 11, 11)
    exact = net.from_neighbourhoods(u, torch.tensor(0.1))
    with torch.autocast("cpu", torch.bfloat16):
        found = net.from_neighbourhoods(u, torch.tensor(0.1))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=1e-6, rtol=0)


def test_chunks_grow_with_the_memory():
    net = network(**SMALL)
    assert 0 < net.chunk_for(10**6) < net.chunk_for(10**8)
    assert net.chunk_for(1) == 1


@pytest.mark.parametrize(
    ("shape", "sigma", "message"),
    [
        ((1, 3, 16, 16), 0.1, r"takes images \[batch, 1, rows, columns\], got \[1, 3, 16, 16\]"),
        ((16, 16), 0.1, "takes images"),
        ((1, 1, 16, 3), 0.1, "16 x 3 pixels, but the patch reaches 3 pixels"),
        ((1, 1, 16, 16), None, "needs the standard deviation"),
        ((1, 1, 16, 16), math.nan, "finite number from 0 on, got nan"),
        ((1, 1, 16, 16), math.inf, "finite number from 0 on, got inf"),
        ((2, 1, 16, 16), torch.tensor([0.1, -0.1]), "finite number from 0 on"),
        ((2, 1, 16, 16), torch.tensor([0.1, 0.1, 0.1]), r"one for each of 2 images, got \[3\]"),
    ],
)
def test_bad_images(shape, sigma, message):
    net = networks.build("mlpatch", SMALL)
    with pytest.raises(InputError, match=message):
        net(torch.zeros(shape), sigma)


@pytest.mark.parametrize(
    ("coords", "message"),
    [
        ([[3.0, 16.0]], r"\[3.0, 16.0\] lies outside the image of 16 x 16"),
        ([[math.nan, 0.0]], "lies outside"),
        ([3.0, 4.0], "Positions are"),
        (np.zeros((3, 4, 2)).tolist(), "Positions are"),
    ],
)
def test_bad_positions(coords, message):
    net = networks.build("mlpatch", SMALL)
    with pytest.raises(InputError, match=message):
        net.at(torch.zeros(1, 1, 16, 16), torch.tensor(coords), 0.1)


@pytest.mark.parametrize("shape", [(4, 3), (2,), (1, 1, 4, 2)])
def test_positions_without_an_image(shape):
    with pytest.raises(InputError, match=r"\[P, 2\] or \[B, P, 2\], .* got \["):
        networks.build("mlpatch", SMALL).patch_points(torch.zeros(shape))


def test_moving_samples_need_the_image():
    with pytest.raises(InputError, match="give the image"):
        network(**KINDS["deformed"]).patch_points(torch.zeros(1, 2))

"""A constant phase of the data is one of the picture, and changes nothing else: over methods and complex operators."""

import cmath
import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.methods.plug_and_play import value_range

O, M = mp.operators, mp.methods
SHAPE = (20, 18)
PHASES = (0.7, math.pi, 4.5)

OPERATORS = {
    "mri": O.MRICartesian(image_shape=SHAPE, acceleration=2),
    "mri-coils": O.MRICartesian(image_shape=SHAPE, coils=3, acceleration=3),
    "mri-radial": O.MRINonCartesian(image_shape=SHAPE, spokes=14, coils=2),
    "denoising": O.Identity(image_shape=SHAPE),
    "blur": O.Blur(image_shape=SHAPE, width=1.2),
    "blur-valid": O.Blur(image_shape=SHAPE, width=1.0, boundary="valid"),
    "inpainting": O.Inpainting(image_shape=SHAPE),
    "super-resolution": O.SuperResolution(image_shape=SHAPE),
    "compressed-sensing": O.CompressedSensing(image_shape=SHAPE, matrix="gaussian", ratio=0.5),
    "stacked": O.Stacked(parts=(O.Blur(image_shape=SHAPE), O.Inpainting(image_shape=SHAPE))),
    "composed": O.Inpainting(image_shape=SHAPE) @ O.Blur(image_shape=SHAPE),
    "scaled": 3.0 * O.MRICartesian(image_shape=SHAPE, acceleration=2),
}
METHODS = {
    "tikhonov": M.Tikhonov(iterations=12),
    "tv": M.TV(iterations=12, tolerance=1e-2),
    "tv-anisotropic": M.TV(norm="anisotropic", iterations=12, tolerance=1e-2),
    "pnp-admm": M.PnPADMM(denoiser="tv", iterations=5, falling=2),
    "pnp-hqs": M.PnPHQS(denoiser="tv", iterations=4, falling=2, averaging=True),
    "pnp-pgm": M.PnPPGM(denoiser="tv", iterations=4, falling=2),
    "direct-tv": M.Direct(denoiser="tv"),
    "direct-wavelets": M.Direct(denoiser="wavelets"),
    "direct-nl-means": M.Direct(denoiser="nl-means"),
}
LEARNED = {
    "fbpconvnet": (M.UNet(), {"width": 4, "depth": 2}),
    "lgd": (M.Unrolled(), {"width": 8, "iterations": 3}),
    "lpd": (M.Unrolled(), {"width": 8, "iterations": 3}),
    "modl": (M.Unrolled(), {"width": 8, "iterations": 3}),
    "ista": (M.Unrolled(), {"iterations": 4, "levels": 2}),
    "projected-gradient": (M.Unrolled(), {"iterations": 3, "filters": 4}),
    "proximal-gradient": (M.Unrolled(), {"iterations": 3, "width": 8}),
    "de-prox": (M.DeepEquilibrium(iterations=8), {"width": 8, "depth": 3}),
    "de-grad": (M.DeepEquilibrium(iterations=8), {"width": 8, "depth": 3}),
    "de-admm": (M.DeepEquilibrium(iterations=8), {"width": 8, "depth": 3}),
}
each_operator = pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS)


def measured(A, *strengths):
    """Noisy data of pictures with edges and a smooth phase of more than half a turn."""
    r, c = np.mgrid[: SHAPE[0], : SHAPE[1]] / 20.0
    x = np.zeros(SHAPE)
    x[4:12, 3:9] = 1.0
    x[8:16, 6:14] += 0.5
    x = torch.from_numpy(x * np.exp(1j * (1.5 * np.sin(3 * r + 1) + 2 * r * c)))
    x = torch.stack([strength * x.roll(k, 0) for k, strength in enumerate(strengths)])[:, None]
    y = A(x)
    noise = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    y = y + 0.02 * torch.tensor(strengths).reshape(-1, *[1] * (y.ndim - 1)) * noise
    return y if A.sampled is None else torch.where(A.sampled.expand(A.range_shape), y, 0.0)


def solved(A, y, method, network=None):
    return mp.reconstruct(mp.Problem(A, y), method, network).x


def apart(a, b):
    return float((a - b).norm() / b.norm())


def far(A, y, method, network=None):
    """How far the picture of turned data is from the turned picture, at most."""
    whole = solved(A, y, method, network)
    turns = [cmath.exp(1j * angle) for angle in PHASES]
    return max(apart(solved(A, turn * y, method, network), turn * whole) for turn in turns)


@each_operator
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_constant_phase_of_the_data_is_one_of_the_picture(A, method):
    assert far(A, measured(A, 1.0), method) < 1e-5


@each_operator
def test_in_single_precision(A):
    """Where an iteration ends may hang on a rounding, so that of many iterations less is asked."""
    y = measured(A, 1.0).to(torch.complex64)
    for name, method in METHODS.items():
        assert far(A, y, method) < (1e-5 if name.startswith("direct") else 2e-3), name


def learned(name):
    method, params = LEARNED[name]
    torch.manual_seed(0)
    network = networks.build(name, params | {"channels": 2}).eval().requires_grad_(False)
    for value in network.parameters():
        value.add_(0.02 * torch.randn(value.shape))
    return method, network


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("kind", ["mri", "mri-coils", "mri-radial", "blur"])
def test_so_it_is_with_learned_reconstructors(name, kind):
    A = OPERATORS[kind]
    method, network = learned(name)
    y = measured(A, 1.0)
    plain = solved(A, y, method, network)
    assert plain.isfinite().all() and apart(plain, A.pinv(y)) > 1e-3, "the network does something"
    assert far(A, y, method, network) < 1e-4
    network.normalise = False
    assert far(A, y, method, network) < 1e-4


@pytest.mark.parametrize("weights", ["mlpatch-gray-small", "drunet-gray-small", "dncnn-gray-small"])
@pytest.mark.parametrize("kind", ["mri", "mri-coils", "denoising"])
def test_so_it_is_with_trained_denoisers(weights, kind):
    A = OPERATORS[kind]
    for method in (M.Direct(), M.PnPADMM(iterations=3, falling=2)):
        assert far(A, measured(A, 1.0), method, mp.weights.find(weights)) < 1e-4


def test_items_of_a_batch_have_phases_of_their_own():
    A = OPERATORS["mri-coils"]
    turns = torch.tensor([1.0, cmath.exp(1.3j), -1.0])
    y = measured(A, 1.0, 3.0, 0.5)
    for method, network in ((METHODS["pnp-admm"], None), (METHODS["direct-tv"], None), learned("modl")):
        whole = solved(A, y, method, network)
        turned = solved(A, y * turns[:, None, None, None, None], method, network)
        assert apart(turned, whole * turns[:, None, None, None]) < 1e-5


def test_a_real_picture_is_denoised_as_if_there_were_no_phase():
    """Bit for bit: complex numbers without imaginary part are not touched."""
    A = O.Identity(image_shape=SHAPE)
    y = measured(A, 1.0).abs().to(torch.complex64)
    seen = []

    def denoiser(x, sigma):
        seen.append(x)
        return 0.5 * x

    solved(A, y, M.Direct(), denoiser)
    size = 2.0 * max(value_range(y))
    assert torch.equal(seen[0], torch.cat([y.real, y.imag]).div(size).add(0.5))


def test_e_and_b_modes_stay_apart():
    """Real and imaginary part of a mass map are two different things, that no phase may mix."""
    A = O.KaiserSquires(image_shape=SHAPE)
    assert not A.free_phase and not (2.0 * A).free_phase and not O.Stacked(parts=(A, A)).free_phase
    y = A(torch.rand(1, 1, *SHAPE, generator=torch.Generator().manual_seed(0)) * (1 + 1j))
    seen = []

    def denoiser(x, sigma):
        seen.append(x)
        return x

    solved(A, y, M.Direct(), denoiser)
    apart_from = seen[0].chunk(2)
    size = 2.0 * max(value_range(A.pinv(y)))
    torch.testing.assert_close(apart_from[0], A.pinv(y).real / size + 0.5)


def test_non_negative_pictures_are_real_and_positive_as_before():
    A = OPERATORS["mri"]
    x = solved(A, 1j * measured(A, 1.0), M.TV(nonnegative=True, iterations=10))
    assert (x.imag == 0).all() and (x.real >= 0).all()

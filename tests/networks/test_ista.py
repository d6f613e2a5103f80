"""Unrolled ISTA: before training it is ISTA, on wavelets (PyWavelets), a dictionary or the picture itself (dense)."""

import math
from typing import Any

import numpy as np
import pytest
import pywt
import torch
from torch import nn

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.networks.dictionary import Dictionary
from napari_mlpatch.networks.ista import SAFE
from napari_mlpatch.networks.wavelets import Wavelets, daubechies


class Dense:
    """A matrix as an operator on vectors."""

    complex_image = None

    def __init__(self, matrix):
        self.matrix, self.domain_shape, self.range_shape = matrix, matrix.shape[1:], matrix.shape[:1]

    def T(self, y):
        return y @ self.matrix

    def normal(self, x):
        return (x @ self.matrix.T) @ self.matrix


def shrunk(x, threshold):
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


@pytest.mark.parametrize("moments", range(1, 9))
def test_filters_are_those_of_pywavelets(moments):
    assert daubechies(moments) == pytest.approx(pywt.Wavelet(f"db{moments}").rec_lo, abs=1e-12)


@pytest.mark.filterwarnings("ignore:Level value")
@pytest.mark.parametrize(("moments", "levels", "shape"), [(1, 3, (16, 24)), (2, 2, (12, 20)), (4, 3, (16, 8))])
def test_wavelets_are_those_of_pywavelets(moments, levels, shape):
    x = torch.randn(2, 3, *shape, dtype=torch.float64)
    W = Wavelets(moments, levels)
    bands = W.adjoint(x)
    coarse, *details = pywt.wavedec2(x.numpy(), f"db{moments}", mode="periodization", level=levels)
    expected = [coarse, *(band for level in details for band in level)]
    assert len(bands) == len(expected) == W.bands
    for ours, theirs in zip(bands, expected, strict=True):
        assert np.abs(ours.numpy()) == pytest.approx(np.abs(theirs), abs=1e-12)  # signs are a convention
    assert torch.allclose(W(bands, shape), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(16, 16), (13, 21), (3, 5)])
@pytest.mark.parametrize("make", [lambda: Wavelets(3, 3), lambda: Dictionary(2, 6, 3)])
def test_syntheses_have_exact_adjoints_and_at_most_norm_one(make, shape):
    D = make().double()
    x = torch.randn(2, 2, *shape, dtype=torch.float64)
    codes = [torch.randn_like(band) for band in D.adjoint(x)]
    picture = D(codes, shape)
    inner = sum((a * b).sum() for a, b in zip(codes, D.adjoint(x), strict=True))
    assert picture.shape == x.shape
    assert (picture * x).sum().item() == pytest.approx(inner.item(), rel=1e-12)
    assert picture.square().sum() <= sum(code.square().sum() for code in codes)


def test_all_patterns_together_are_a_tight_frame():
    D = Dictionary(1, 9, 3).double()
    x = torch.zeros(1, 1, 12, 12, dtype=torch.float64)
    x[..., 3:9, 3:9] = torch.randn(6, 6, dtype=torch.float64)
    assert torch.allclose(D(D.adjoint(x), (12, 12)), x, rtol=0, atol=1e-6)
    assert torch.linalg.matrix_norm(Dictionary(1, 40, 3).patterns.flatten(1), 2) <= 1.0  # more patterns than products


def test_before_training_it_is_ista_on_wavelets():
    """Iterate by iterate, beside an ISTA written with PyWavelets and a transfer function."""
    A = mp.operators.Blur(image_shape=(16, 24), width=1.2)
    network: Any = networks.build("ista", {"iterations": 5, "moments": 2, "levels": 2, "weight": 0.02}).double()
    y = A(torch.rand(1, 1, 16, 24, dtype=torch.float64))
    kernel = np.asarray(A.point_spread)
    padded = np.zeros((16, 24))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            padded[(i - kernel.shape[0] // 2) % 16, (j - kernel.shape[1] // 2) % 24] += kernel[i, j]
    power = np.abs(np.fft.fft2(padded)) ** 2
    b, x = A.T(y).numpy()[0, 0], np.zeros((16, 24))
    for found in network.iterates(y, A):
        g = x - SAFE * (np.fft.ifft2(power * np.fft.fft2(x)).real - b)
        coarse, *details = pywt.wavedec2(g, "db2", mode="periodization", level=2)
        details = [tuple(shrunk(band, SAFE * 0.02) for band in level) for level in details]
        x = pywt.waverec2([coarse, *details], "db2", mode="periodization")
        assert found[0, 0].detach().numpy() == pytest.approx(x, abs=1e-6)


def test_before_training_it_is_ista_on_a_dictionary():
    A = mp.operators.Inpainting(image_shape=(7, 9), kept=0.6)
    network: Any = networks.build(
        "ista", {"iterations": 4, "transform": "dictionary", "atoms": 5, "size": 3, "weight": 0.05}
    ).double()
    y = A(torch.rand(1, 1, 7, 9, dtype=torch.float64))
    with torch.no_grad():
        unit = torch.eye(5 * 63, dtype=torch.float64).view(-1, 5, 7, 9)
        M = A(network.synthesis([unit], (7, 9))).flatten(1).T.numpy()
        D = network.synthesis([unit], (7, 9)).flatten(1).T.numpy()
    z, data = np.zeros(5 * 63), y.flatten().numpy()
    for found in network.iterates(y, A):
        z = shrunk(z - SAFE * M.T @ (M @ z - data), SAFE * 0.05)
        assert found.detach().flatten().numpy() == pytest.approx(D @ z, abs=1e-6)


def test_sparse_coding_of_vectors():
    """The problem of Chen, Liu, Wang & Yin (NeurIPS 2018): 16 iterations of ISTA reach about -6.3 dB at λ = 0.2."""
    random = np.random.default_rng(0)
    matrix = random.standard_normal((250, 500))
    matrix /= np.linalg.norm(matrix, axis=0)
    norm = np.linalg.norm(matrix, 2)
    truth = random.standard_normal((20, 500)) * (random.random((20, 500)) < 0.1)
    A = Dense(torch.from_numpy(matrix / norm))
    network: Any = networks.build("ista", {"iterations": 16, "transform": "none", "weight": 0.2 / norm**2}).double()
    with torch.no_grad():
        x = network(torch.from_numpy(truth @ matrix.T / norm)[:, None], A)[:, 0].numpy()
    z = np.zeros_like(truth)
    for _ in range(16):
        z = shrunk(z - SAFE / norm**2 * (z @ matrix.T - truth @ matrix.T) @ matrix, SAFE * 0.2 / norm**2)
    assert x == pytest.approx(z, abs=1e-6)
    assert 10 * math.log10(np.square(x - truth).sum() / np.square(truth).sum()) == pytest.approx(-6.3, abs=0.5)


def test_pictures_that_are_sparse_themselves_may_have_any_axes_but_not_any_channels():
    axes = {name: networks.declaration("ista", {"transform": name}).axes for name in ("none", "wavelets", "dictionary")}
    assert axes == {"none": None, "wavelets": 2, "dictionary": 2}
    A = Dense(torch.eye(6, dtype=torch.float64))
    with pytest.raises(mp.InputError, match="for pictures with 2 channels, these data make pictures with 1"):
        networks.build("ista", {"transform": "none", "channels": 2})(torch.rand(1, 1, 6), A)
    with pytest.raises(mp.InputError, match="two-dimensional pictures"):
        networks.build("ista", {})(torch.rand(1, 1, 6), A)


@pytest.mark.parametrize("params", [{"moments": 2, "levels": 2}, {"transform": "dictionary", "atoms": 4, "size": 3}])
def test_complex_pictures_and_gradients(params):
    A = operators.get("mri-cartesian")(image_shape=(9, 12), acceleration=2)
    network: Any = networks.build("ista", {"channels": 2, "iterations": 3, "weight": 0.01, **params}).double()
    y = A(torch.randn(2, 1, 9, 12, dtype=torch.complex128))
    x = network(y, A)
    assert x.shape == (2, 1, 9, 12) and x.is_complex()
    network(y, A).abs().square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    assert all(p.grad.any() for p in network.parameters())
    network.iterations = 5  # the last thresholds go on
    assert len(list(network.iterates(y, A))) == 5


@pytest.mark.parametrize("params", [{"levels": 2}, {"transform": "dictionary", "atoms": 9, "size": 3}])
def test_rounded_convolutions_are_not_those_of_ista(params):
    A = mp.operators.Blur(image_shape=(16, 16), width=1.0)
    y = A(torch.rand(1, 1, 16, 16))
    network: Any = networks.build("ista", {"iterations": 4, **params})
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = network(y, A)
    assert rounded.dtype == torch.float32 and torch.equal(rounded, network(y, A))


def test_learning_thresholds_helps():
    """A few steps of training on one blurred picture."""
    torch.manual_seed(0)
    A = mp.operators.Blur(image_shape=(16, 16), width=1.0)
    truth = torch.zeros(4, 1, 16, 16)
    truth[:, :, 4:11, 3:9] = torch.rand(4, 1, 1, 1)
    y = A(truth) + 0.02 * torch.randn(4, 1, 16, 16)
    network: Any = networks.build("ista", {"iterations": 4, "levels": 2, "moments": 1, "weight": 0.05})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    losses = []
    for _ in range(8):
        loss = nn.functional.mse_loss(network(y, A), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_vectors_need_no_transform():
    with pytest.raises(InputError, match="two-dimensional"):
        next(networks.build("ista").iterates(torch.zeros(1, 1, 3), Dense(torch.eye(3))))
